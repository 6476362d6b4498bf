-- Which business dates the rows that a landing changed, or the as-of time that it moved, can alter.
{{ config(materialized='view') }}

with sessions as (select *, entered_at::date as business_date from {{ source('xiaohongshu', 'sessions') }}),

messages as (select *, sent_at::date as business_date from {{ source('xiaohongshu', 'messages') }}),

-- What a shop has dates of: sessions entered, and messages, which may come after midnight.
shop_dates as (
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
    select entered_at::date as business_date from {{ source('changed', 'xiaohongshu_sessions') }}
    union
    select s.business_date
    from sessions s
    where s.session_id in (select session_id from changed_sessions)
),

-- The day a message was written on, which need not be its session's: the day's workload, and X-15, the hour in which an agent
-- wrote. Shop and user of a message are those of its session.
by_messages as (
    select sent_at::date as business_date from changed_messages
    union
    select m.business_date
    from messages m
    where m.session_id in (select session_id from {{ source('changed', 'xiaohongshu_sessions') }})
),

by_work_hours as (
    select d.business_date
    from shop_dates d
    join {{ source('changed', 'xiaohongshu_work_hours') }} w on d.shop_id = w.shop_id and d.business_date >= w.valid_from
),

-- X-05: the hours within which a session can still be answered were not over when it was built last, and are now.
by_as_of as (
    select s.business_date
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
    select d.business_date
    from shop_dates d
    join {{ ref('changed_rules') }} c on c.scope = 'xiaohongshu' and d.business_date between c.valid_from and c.valid_to
),

everything as (
    select business_date
    from shop_dates
    where (select everything from {{ source('build', 'request') }})
),

touched as (
    select business_date from by_sessions
    union
    select business_date from by_messages
    union
    select business_date from by_work_hours
    union
    select business_date from by_as_of
    union
    select business_date from by_rules
    union
    select business_date from everything
)

select 'xiaohongshu' as platform, business_date
from touched
