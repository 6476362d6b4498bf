-- Why a session of the dates being built does not count, or what is to be remarked on it: one row per session and reason.
with sessions as (select * from {{ ref('int_xiaohongshu__sessions') }}),

as_of as (select as_of from {{ ref('as_of') }} where platform = 'xiaohongshu'),

by_the_merchant as ( -- X-01
    select session_id, 'merchant_initiated' as reason
    from sessions
    where initiated_by = 'merchant'
),

-- X-05: the platform takes no data from it. One that nobody answered in time was ended by the system, whatever has landed.
not_ended as (
    select s.session_id, 'not_ended' as reason
    from sessions s
    cross join as_of n
    where s.ended_at is null and (s.first_written_at is not null or s.answer_due_at > n.as_of)
),

outside_work_hours as ( -- X-02, X-03: a remark, the first response alone leaves it out
    select session_id, 'outside_work_hours' as reason
    from sessions
    where not in_work_hours
),

taken_over as ( -- X-06: a remark, it counts as not answered
    select session_id, 'taken_over_unanswered' as reason
    from sessions
    where is_taken_over_unanswered
)

select * from by_the_merchant
union all
select * from not_ended
union all
select * from outside_work_hours
union all
select * from taken_over
