-- What each session of Xiaohongshu adds to a metric when it counts, and whether it does. One row per metric and session.
{{ config(materialized='view') }}
{%- set session = 'session_id, shop_id, account_id, business_date, remarks' %}

with sessions as (select * from {{ ref('int_xiaohongshu__session_edges') }}),

first_responses as ( -- X-02: a session entered outside the working hours is out of this metric alone
    select
        'first_response_rate_45s' as metric, {{ session }},
        is_counted and in_work_hours as is_counted,
        case when in_work_hours then left_out_by when is_counted then 'outside_work_hours' end as left_out_by,
        is_on_time::integer as numerator,
        1 as denominator,
        is_counted and (is_near_work_hours or (in_work_hours and is_near_first_target)) as is_boundary,
        is_near_work_hours <> in_work_hours as is_counted_other_way,
        (is_on_time = is_near_work_hours)::integer as numerator_other_way
    from sessions
),

replied as ( -- X-04
    select
        'reply_rate_24h' as metric, {{ session }}, is_counted, left_out_by, is_replied_24h::integer as numerator,
        1 as denominator, is_counted and is_near_horizon as is_boundary, is_counted as is_counted_other_way,
        (not is_replied_24h)::integer as numerator_other_way
    from sessions
),

answered_in_time as ( -- X-16: of those entered in the window
    select
        'reply_rate_3min' as metric, {{ session }},
        is_counted and in_reply_window as is_counted,
        case when in_reply_window then left_out_by end as left_out_by,
        is_replied_3min::integer as numerator,
        1 as denominator,
        is_counted and (is_near_reply_window or (in_reply_window and is_near_reply_target)) as is_boundary,
        is_near_reply_window <> in_reply_window as is_counted_other_way,
        (is_replied_3min = is_near_reply_window)::integer as numerator_other_way
    from sessions
),

others as ( -- means, and rates over ratings, know no edge
    select 'satisfaction_rate' as metric, *, is_satisfied::integer as numerator, 1 as denominator -- X-07
    from sessions
    where stars is not null
    union all
    select 'dissatisfaction_rate', *, (not is_satisfied)::integer, 1 -- X-16
    from sessions
    where stars is not null
    union all
    select 'rating_participation_rate', *, (stars is not null)::integer, 1 from sessions -- X-08
    union all
    select 'avg_reply_interval_seconds', *, reply_interval_seconds, 1 -- X-09: per session that has an interval
    from sessions
    where reply_intervals > 0
    union all
    select 'avg_reply_gap_seconds', *, reply_interval_seconds, reply_intervals
    from sessions where reply_intervals > 0
    union all
    select 'avg_first_response_seconds', *, first_response_seconds, 1 -- X-10
    from sessions
    where is_replied_24h
),

scored as (
    select * from first_responses
    union all
    select * from replied
    union all
    select * from answered_in_time
    union all
    select metric, {{ session }}, is_counted, left_out_by, numerator, denominator, false, null, null from others
)

select
    metric,
    session_id as judged_id,
    session_id as unit_id,
    shop_id,
    account_id,
    business_date,
    numerator,
    denominator,
    is_counted,
    left_out_by,
    remarks,
    is_boundary,
    is_counted_other_way,
    numerator_other_way,
    {{ list_of(["'sessions/' || session_id"]) }} as rests_on
from scored
