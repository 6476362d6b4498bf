-- V-01: the sessions of Xiaohongshu that nobody ended and in which the user waits, for the first word of an agent's or for the
-- answer to the latest question, whoever took it over meanwhile. One row per session.
{{ config(materialized='view') }}

with sessions as (select * from {{ ref('int_xiaohongshu__sessions') }} where initiated_by = 'user' and ended_at is null),

judged as (select session_id, exclusion_reasons from {{ ref('int_xiaohongshu__judged_sessions') }}),

rounds as (select * from {{ ref('int_judged_rounds') }} where platform = 'xiaohongshu'),

rules as (select * from {{ ref('live_rules') }}),

work_hours as (select * from {{ ref('int_xiaohongshu__work_hours') }}),

holders as (select * from {{ ref('int_xiaohongshu__holders') }}),

latest_rounds as ( -- X-09
    select *
    from rounds
    qualify row_number() over (partition by conversation_id order by clock_started_at desc, first_message_id desc) = 1
),

without_a_word as (
    select
        s.session_id,
        null::string as first_message_id,
        s.entered_at as clock_started_at,
        u.first_response_target_seconds as target_seconds,
        u.risk_seconds
    from sessions s
    join rules u on s.rule_version = u.rule_version
    where s.first_written_at is null
),

asked_again as (
    select
        s.session_id,
        r.first_message_id,
        r.clock_started_at,
        u.reply_target_seconds as target_seconds,
        u.reply_risk_seconds as risk_seconds
    from sessions s
    join latest_rounds r on s.session_id = r.conversation_id
    join rules u on s.rule_version = u.rule_version
    where s.first_written_at is not null and r.first_reply_at is null
),

waiting as (
    select * from without_a_word
    union all
    select * from asked_again
)

select
    w.session_id,
    s.shop_id,
    s.user_id,
    h.account_id,
    w.first_message_id,
    w.clock_started_at,
    w.target_seconds,
    w.risk_seconds,
    w.clock_started_at >= w.clock_started_at::date + d.opens_at and w.clock_started_at < w.clock_started_at::date + d.closes_at
        as in_work_hours,
    j.exclusion_reasons,
    s.rule_version
from waiting w
join sessions s on w.session_id = s.session_id
join judged j on w.session_id = j.session_id
join work_hours d on s.shop_id = d.shop_id and w.clock_started_at::date between d.valid_from and d.valid_to
left join holders h on w.session_id = h.session_id
