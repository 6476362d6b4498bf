-- What was said in each session of Xiaohongshu, in the vocabulary of rounds, and who took it. A system message is nothing. Nobody
-- ever waits, so that a hand-over opens nothing; it says whose a question is. One row per message or event.
{{ config(materialized='view') }}

with messages as (select * from {{ source('xiaohongshu', 'messages') }}),

session_events as (select * from {{ source('xiaohongshu', 'session_events') }}),

sessions as (select * from {{ source('xiaohongshu', 'sessions') }}),

items as (
    select
        session_id,
        agent_id,
        sent_at as item_at,
        case sender_kind when 'user' then 1 else 2 end as item_rank,
        message_id as item_id,
        case sender_kind when 'user' then 'Q' when 'agent' then 'R' else 'B' end as kind,
        content
    from messages
    where sender_kind in ('user', 'agent', 'bot')
    union all
    select session_id, agent_id, occurred_at, 0, event_id, 'H', null::string
    from session_events
)

select
    i.session_id as conversation_id,
    s.shop_id,
    s.user_id as customer_id,
    i.agent_id as account_id,
    i.item_at,
    s.entered_at::date as item_date, -- X-09: a session is one piece, however many days it lasts
    i.item_rank,
    i.item_id,
    i.kind,
    i.content
from items i
join sessions s on i.session_id = s.session_id
