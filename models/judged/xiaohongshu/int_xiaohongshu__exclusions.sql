-- Why a session of Xiaohongshu, of the dates being built, does not count, or what is to be remarked on it; and its rounds with
-- it. One row per session or round and reason, whose cause `evidence` tells.
{{ config(materialized='view') }}

with sessions as (select * from {{ ref('int_xiaohongshu__sessions') }}),

rounds as (select * from {{ ref('int_rounds') }} where platform = 'xiaohongshu'),

by_the_merchant as ( -- X-01
    select session_id as judged_id, 'merchant_initiated' as reason, 'the merchant started it at ' || entered_at as evidence
    from sessions
    where initiated_by = 'merchant'
),

not_ended_yet as ( -- X-05: while it can still be answered it does not count
    select
        session_id as judged_id,
        'not_ended' as reason,
        'no end has landed, it can be answered until ' || answer_due_at as evidence
    from sessions
    where is_not_ended and not is_left_open
),

left_open as ( -- X-05: a remark, it counts as not answered, so that leaving it open improves nothing
    select
        session_id as judged_id,
        'not_ended' as reason,
        'no end has landed, the time to answer ran out at ' || answer_due_at
        || coalesce(', an agent wrote at ' || first_written_at, '') as evidence
    from sessions
    where is_left_open
),

outside_work_hours as ( -- X-02, X-03: a remark, the first response alone leaves it out
    select session_id as judged_id, 'outside_work_hours' as reason, 'entered at ' || entered_at as evidence
    from sessions
    where not in_work_hours
),

taken_over as ( -- X-06: a remark, it counts as not answered
    select session_id as judged_id, 'taken_over_unanswered' as reason, 'handed on at ' || taken_over_at as evidence
    from sessions
    where is_taken_over_unanswered
),

without_rounds as ( -- a round has no hours of its own, and none counts where nobody replied
    select * from by_the_merchant
    union all
    select * from not_ended_yet
    union all
    select * from left_open
    union all
    select * from taken_over
),

of_excluded_sessions as (
    select r.round_id as judged_id, s.reason, s.evidence
    from rounds r
    join without_rounds s on r.conversation_id = s.judged_id
)
{% set reasons = {
    'session': ['by_the_merchant', 'not_ended_yet', 'left_open', 'outside_work_hours', 'taken_over'],
    'round': ['of_excluded_sessions'],
} %}
{{ exclusions_of(reasons, remarks=['left_open', 'outside_work_hours', 'taken_over']) }}
