-- X-15: each hour of the working hours in which anything happened. An hour belongs to the date on the clock, also where an agent
-- writes in a session of the day before. One row per shop, date and hour.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

with dates as (select business_date from {{ ref('build_dates') }} where platform = 'xiaohongshu'),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

sessions as (
    select *, entered_at::date as business_date
    from {{ source('xiaohongshu', 'sessions') }}
    where initiated_by = 'user' and entered_at::date in (select business_date from dates)
),

agent_messages as (select * from {{ source('xiaohongshu', 'messages') }} where sender_kind = 'agent'),

work_hours as (select * from {{ ref('int_xiaohongshu__work_hours') }}),

answered as ( -- who entered got a word of an agent's in time
    select distinct s.session_id
    from sessions s
    join rules r on s.business_date between r.valid_from and r.valid_to
    join agent_messages m on s.session_id = m.session_id and m.sent_at between s.entered_at and s.entered_at + r.coverage_wait
),

happened as (
    select
        shop_id,
        entered_at as happened_at,
        1 as entered_sessions,
        (session_id in (select session_id from answered))::integer as answered_sessions,
        0 as agent_messages
    from sessions
    union all
    select shop_id, sent_at, 0, 0, 1
    from agent_messages
    where sent_at::date in (select business_date from dates)
),

hours as (
    select
        shop_id,
        happened_at::date as business_date,
        extract(hour from happened_at)::integer as hour,
        sum(entered_sessions)::bigint as entered_sessions,
        sum(answered_sessions)::bigint as answered_sessions,
        sum(agent_messages)::bigint as agent_messages
    from happened
    group by all
)

select
    h.shop_id,
    h.business_date,
    h.hour,
    h.entered_sessions,
    h.agent_messages,
    h.entered_sessions > 0 and h.answered_sessions = 0 as is_gap
from hours h
join work_hours w on h.shop_id = w.shop_id and h.business_date between w.valid_from and w.valid_to
where h.hour * interval 1 hour < w.closes_at and (h.hour + 1) * interval 1 hour > w.opens_at
