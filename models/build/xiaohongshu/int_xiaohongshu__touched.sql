-- What a landing, or the as-of time that it moved, changed at Xiaohongshu, as the business dates it touches. One row per cause
-- and date; touched_dates reads it.
{{ config(materialized='view') }}

with sessions as (select *, entered_at::date as business_date from {{ source('xiaohongshu', 'sessions') }}),

messages as (select *, sent_at::date as business_date from {{ source('xiaohongshu', 'messages') }}),

shop_dates as ( -- what a shop has dates of: sessions entered, and messages, which may come after midnight
    select shop_id, business_date from sessions
    union
    select shop_id, business_date from messages
),

changed_messages as (select * from {{ source('changed', 'xiaohongshu_messages') }}),

changed_sessions as (
    select session_id from changed_messages
    union
    select session_id from {{ source('changed', 'xiaohongshu_session_events') }}
    union
    select session_id from {{ source('changed', 'xiaohongshu_ratings') }}
),

by_sessions as (
    select 'session' as cause, entered_at::date as business_date from {{ source('changed', 'xiaohongshu_sessions') }}
    union
    select 'session', s.business_date
    from sessions s
    where s.session_id in (select session_id from changed_sessions)
),

-- The day a message was written on, which need not be its session's: the day's workload, and X-15, the hour in which an agent
-- wrote. Shop and user of a message are those of its session; whose a question is, W-02, the session's events say.
by_messages as (
    select 'message' as cause, sent_at::date as business_date from changed_messages
    union
    select 'message', m.business_date
    from messages m
    where
        m.session_id in (select session_id from {{ source('changed', 'xiaohongshu_sessions') }})
        or m.session_id in (select session_id from {{ source('changed', 'xiaohongshu_session_events') }})
),

by_work_hours as (
    select 'work_hours' as cause, d.business_date
    from shop_dates d
    join {{ source('changed', 'xiaohongshu_work_hours') }} w on d.shop_id = w.shop_id and d.business_date >= w.valid_from
),

-- X-05: the hours within which a session can still be answered were not over when it was built last, and are now.
by_as_of as (
    select 'as_of' as cause, s.business_date
    from sessions s
    join {{ ref('xiaohongshu_rules') }} r on s.business_date between r.valid_from and r.valid_to
    join {{ ref('as_of') }} n on n.platform = 'xiaohongshu'
    join {{ source('build', 'built_as_of') }} b on b.platform = 'xiaohongshu'
    where
        s.ended_at is null
        and s.entered_at + r.reply_horizon > least(b.as_of, n.as_of)
        and s.entered_at + r.reply_horizon <= greatest(b.as_of, n.as_of)
),

by_rules as (
    select 'rules' as cause, d.business_date
    from shop_dates d
    join {{ ref('changed_rules') }} c on c.scope = 'xiaohongshu' and d.business_date between c.valid_from and c.valid_to
),

everything as (
    select 'everything' as cause, business_date
    from shop_dates
    where (select everything from {{ source('build', 'request') }})
),

dates as (
    {%- for cause in ['by_sessions', 'by_messages', 'by_work_hours', 'by_as_of', 'by_rules', 'everything'] %}
    select distinct cause, business_date from {{ cause }}
    {{- ' union all' if not loop.last }}
    {%- endfor %}
)

select {{ touched(cause='cause', business_date='business_date') }} from dates
