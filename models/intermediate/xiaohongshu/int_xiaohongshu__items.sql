-- What was said in each session, in the vocabulary of rounds. A system message is nothing; who holds the session is no matter
-- of rounds, which are the session's own. session_date: a session is one piece, however many days it lasts.
{{ config(materialized='view') }}

with messages as (select * from {{ source('xiaohongshu', 'messages') }}),

sessions as (select * from {{ source('xiaohongshu', 'sessions') }})

select
    'xiaohongshu' as scope,
    m.session_id as conversation_id,
    s.shop_id,
    s.user_id as customer_id,
    m.agent_id as account_id,
    m.sent_at as item_at,
    case m.sender_kind when 'user' then 1 else 2 end as item_rank,
    m.message_id as item_id,
    case m.sender_kind when 'user' then 'Q' when 'agent' then 'R' else 'B' end as kind,
    s.entered_at::date as session_date
from messages m
join sessions s on m.session_id = s.session_id
where m.sender_kind in ('user', 'agent', 'bot')
