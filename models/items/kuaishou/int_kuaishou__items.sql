-- What of Kuaishou's messages and session events opens, answers or moves a round. One row per item.
{{ config(materialized='view') }}

with messages as (select * from {{ source('kuaishou', 'messages') }}),

session_events as (select * from {{ source('kuaishou', 'session_events') }}),

items as (
    -- K-02: whether a bot's message is a reply, and whether routing matters, is for the rules of the round's day to say.
    -- What the system writes is nothing at all.
    select
        session_id,
        shop_id,
        user_id,
        agent_id,
        sent_at as item_at,
        case when sender_kind = 'user' then 1 else 2 end as item_rank,
        message_id as item_id,
        case sender_kind when 'user' then 'Q' when 'agent' then 'R' else 'B' end as kind,
        content
    from messages
    where sender_kind in ('user', 'agent', 'bot')
    union all
    -- A transfer from agent to agent hands over as an assignment does.
    select
        session_id,
        shop_id,
        user_id,
        agent_id,
        occurred_at,
        0,
        event_id,
        case event_type when 'bot_started' then 'N' else 'H' end,
        null::string
    from session_events
    where event_type in ('assigned', 'transferred', 'bot_started')
)

select
    session_id as conversation_id,
    shop_id,
    user_id as customer_id,
    agent_id as account_id,
    item_at,
    item_at::date as item_date,
    item_rank,
    item_id,
    kind,
    content
from items
