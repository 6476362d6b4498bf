-- What was said in each session of Xiaohongshu, in the vocabulary of rounds. A system message is nothing; who holds the session
-- is no matter of rounds, which are the session's own. One row per message.
{{ config(materialized='view') }}

with messages as (select * from {{ source('xiaohongshu', 'messages') }}),

sessions as (select * from {{ source('xiaohongshu', 'sessions') }})

select
    m.session_id as conversation_id,
    s.shop_id,
    s.user_id as customer_id,
    m.agent_id as account_id,
    m.sent_at as item_at,
    s.entered_at::date as item_date, -- X-09: a session is one piece, however many days it lasts
    case m.sender_kind when 'user' then 1 else 2 end as item_rank,
    m.message_id as item_id,
    case m.sender_kind when 'user' then 'Q' when 'agent' then 'R' else 'B' end as kind,
    m.content
from messages m
join sessions s on m.session_id = s.session_id
where m.sender_kind in ('user', 'agent', 'bot')
