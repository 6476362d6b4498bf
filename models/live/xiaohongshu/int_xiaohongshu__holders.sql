-- Who has to answer in each session of Xiaohongshu: who took it last, else the agent who wrote last. One row per session.
{{ config(materialized='view') }}

with sessions as (select * from {{ ref('int_xiaohongshu__sessions') }}),

events as (select * from {{ source('xiaohongshu', 'session_events') }}),

agent_messages as (select * from {{ source('xiaohongshu', 'messages') }} where sender_kind = 'agent'),

takers as (
    select session_id, max_by(agent_id, (occurred_at, event_id)) as account_id
    from events
    group by session_id
),

writers as ( -- a message need not name its author
    select session_id, max_by({{ struct_of({'account_id': 'agent_id'}) }}, (sent_at, message_id)).account_id as account_id
    from agent_messages
    group by session_id
)

select
    s.session_id,
    case when t.session_id is not null then t.account_id else w.account_id end as account_id
from sessions s
left join takers t on s.session_id = t.session_id
left join writers w on s.session_id = w.session_id
