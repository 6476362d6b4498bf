-- The sessions (进线) of Xiaohongshu, counted or not, with their rounds summed up and every reason or remark. One row per session.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}
-- depends_on: {{ ref('build_dates') }}

with sessions as (select * from {{ ref('int_xiaohongshu__sessions') }}),

rounds as (select *, conversation_id as session_id from {{ ref('int_rounds') }} where platform = 'xiaohongshu'),

reasons as (select * from {{ ref('int_reasons') }} where platform = 'xiaohongshu' and judged_kind = 'session'),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

numbered_rounds as (
    select *, row_number() over (partition by session_id order by clock_started_at, round_id) as round_number
    from rounds
),

intervals as ( -- X-09: the first reply has its own metrics
    select
        session_id,
        count(elapsed_seconds) filter (where round_number > 1) as reply_intervals,
        sum(elapsed_seconds) filter (where round_number > 1) as reply_interval_seconds,
        -- X-16: of every round, one without a reply too
        max(coalesce(elapsed_seconds, 'infinity'::double)) as longest_wait_seconds
    from numbered_rounds
    group by session_id
),

timed as (
    select
        s.*,
        {{ seconds_between('s.entered_at', 's.first_reply_at') }} as elapsed_seconds,
        -- X-16: the first reply's and every round's; infinite where one never came
        greatest(
            coalesce(elapsed_seconds, 'infinity'::double),
            coalesce(i.longest_wait_seconds, 0)
        ) as longest_wait_seconds,
        case when not s.is_without_reply then {{ seconds_between('s.answer_due_at', 's.first_written_at') }} end
            as seconds_past_horizon,
        i.reply_intervals,
        i.reply_interval_seconds
    from sessions s
    left join intervals i on s.session_id = i.session_id
)

select
    s.session_id,
    s.shop_id,
    s.user_id,
    s.account_id,
    s.business_date,
    s.entered_at,
    s.ended_at,
    s.first_reply_at,
    s.elapsed_seconds::double as first_response_seconds,
    s.in_work_hours,
    not coalesce(e.is_excluded, false) as is_counted, -- X-02, X-06: not by a remark
    -- X-02: from entering on, whatever the agents' status; in working hours or not
    coalesce(s.elapsed_seconds <= u.first_response_target_seconds, false) as is_on_time,
    s.first_reply_at is not null as is_replied_24h,
    s.longest_wait_seconds <= u.reply_target_seconds as is_replied_3min,
    s.longest_wait_seconds,
    s.seconds_past_horizon,
    case when s.is_without_reply then 0 else coalesce(s.reply_intervals, 0) end::integer as reply_intervals,
    case when s.is_without_reply then 0 else coalesce(s.reply_interval_seconds, 0) end::double as reply_interval_seconds,
    s.is_left_open,
    s.stars,
    s.last_speaker,
    coalesce(e.exclusion_reasons, {{ empty_list() }}) as exclusion_reasons,
    coalesce(e.evidence, {{ empty_list() }}) as evidence,
    s.rule_version
from timed s
join rules u on s.rule_version = u.rule_version
left join reasons e on s.session_id = e.judged_id
