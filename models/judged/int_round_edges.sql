-- How close the rounds of Taobao and Kuaishou came to counting otherwise: what alone keeps one out, and whether a second more
-- or less would have changed its window or its answer. One row per round.
{{ config(materialized='view') }}

with rounds as (select * from {{ ref('int_judged_rounds') }}),

rules as (select * from {{ ref('round_rules') }} where window_start is not null),

near as (
    select
        r.*,
        case when {{ length_of('r.exclusion_reasons') }} = 1 then {{ first_of('r.exclusion_reasons') }} end as left_out_by,
        least(
            abs({{ seconds_between('r.business_date + u.window_start', 'r.clock_started_at') }}),
            abs({{ seconds_between('r.business_date + u.window_end', 'r.clock_started_at') }})
        ) <= 1 as is_near_edge,
        coalesce(abs(r.response_seconds - u.response_target_seconds) <= 1, false) as is_near_target
    from rounds r
    join rules u on r.rule_version = u.rule_version
)

select
    *,
    -- Who is out for the window alone comes in; who counts leaves the window, or its answer is another.
    (is_near_edge and (is_counted or coalesce(left_out_by = 'outside_window', false))) or (is_counted and is_near_target)
        as is_boundary,
    case when is_near_edge then not is_counted else is_counted end as is_counted_other_way,
    case when is_near_edge then is_on_time else not is_on_time end as is_on_time_other_way,
    {{ list_of(["'messages/' || first_message_id", "'messages/' || first_reply_id"]) }} as rests_on
from near
