-- What happened in the sessions (进线) of the dates being built, before anything is excluded. One row per session.
with dates as (select business_date from {{ ref('build_dates') }} where platform = 'xiaohongshu'),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

sessions as (
    select
        s.*,
        s.entered_at::date as business_date,
        s.entered_at + r.reply_horizon as answer_due_at,
        r.rule_version
    from {{ source('xiaohongshu', 'sessions') }} s
    join rules r on s.entered_at::date between r.valid_from and r.valid_to
    where s.entered_at::date in (select business_date from dates)
),

words as (select * from {{ ref('int_xiaohongshu__session_words') }}),

events as (select * from {{ source('xiaohongshu', 'session_events') }}),

as_of as (select as_of from {{ ref('as_of') }} where platform = 'xiaohongshu'),

ratings as (select * from {{ source('xiaohongshu', 'ratings') }}),

work_hours as (select * from {{ ref('int_xiaohongshu__work_hours') }}),

assignments as (
    select session_id, min_by(agent_id, (occurred_at, event_id)) as first_assigned_id
    from events where event_type = 'assigned' group by session_id
),

held as (
    select *, lag(agent_id) over (partition by session_id order by occurred_at, event_id) as holder_id
    from events
),

take_overs as ( -- the first hand-over to somebody else, from a holder who may be unknown
    select *
    from held
    where event_type = 'transferred' and agent_id is distinct from holder_id
    qualify row_number() over (partition by session_id order by occurred_at, event_id) = 1
),

-- X-06: handed on to somebody else before anybody wrote, a session has no valid reply, and is whose it was. At equal times the
-- event is first. X-05: nor has one that nobody ended in time.
judged as (
    select
        s.*,
        a.first_assigned_id,
        w.first_author_id,
        w.first_written_at,
        w.last_speaker,
        t.occurred_at as taken_over_at,
        t.holder_id,
        t.session_id is not null and coalesce(t.occurred_at <= w.first_written_at, true) as is_taken_over_unanswered,
        s.ended_at is null as is_not_ended,
        s.ended_at is null and n.as_of >= s.answer_due_at as is_left_open,
        is_taken_over_unanswered or is_left_open as is_without_reply
    from sessions s
    cross join as_of n
    left join words w on s.session_id = w.session_id
    left join assignments a on s.session_id = a.session_id
    left join take_overs t on s.session_id = t.session_id
)

select
    a.session_id,
    a.shop_id,
    a.user_id,
    case when a.is_taken_over_unanswered then a.holder_id else coalesce(a.first_assigned_id, a.first_author_id) end as account_id,
    a.business_date,
    a.initiated_by,
    a.entered_at,
    a.ended_at,
    a.answer_due_at,
    a.first_written_at,
    a.taken_over_at,
    a.is_taken_over_unanswered,
    a.is_not_ended,
    a.is_left_open,
    a.is_without_reply,
    -- X-04: a reply after the hours within which the system ends the session is none
    case when a.first_written_at <= a.answer_due_at and not a.is_without_reply then a.first_written_at end as first_reply_at,
    a.entered_at >= a.business_date + w.opens_at and a.entered_at < a.business_date + w.closes_at as in_work_hours,
    r.stars,
    a.last_speaker,
    a.rule_version
from judged a
join work_hours w on a.shop_id = w.shop_id and a.business_date between w.valid_from and w.valid_to
left join ratings r on a.session_id = r.session_id
