-- The business dates on which something can still be open at the moment, beside the moment's own. They take the place of
-- build_dates where the models run for a moment. One row per platform and date.
with as_of as (select * from {{ ref('live_as_of') }}),

limits as (select max(reply_horizon) as reply_horizon, max(rating_edit_limit) as rating_edit_limit from {{ ref('live_rules') }}),

sessions as (select *, entered_at::date as business_date from {{ source('xiaohongshu', 'sessions') }}),

user_messages as (select * from {{ source('xiaohongshu', 'messages') }} where sender_kind = 'user'),

session_ratings as (select * from {{ source('xiaohongshu', 'ratings') }}),

cards as (select *, sent_at::date as business_date from {{ source('kuaishou', 'rating_cards') }}),

-- A round is open no longer than the horizon, and is of the date on which its clock starts.
within_horizon as (
    select
        a.platform,
        unnest(generate_series((a.as_of - l.reply_horizon)::date, a.as_of::date, interval 1 day))::date as business_date
    from as_of a
    cross join limits l
),

-- X-09: a session is one piece, however long ago it began.
asked_of_late as (
    select a.platform, s.business_date
    from as_of a
    cross join limits l
    join user_messages m on m.sent_at > a.as_of - l.reply_horizon
    join sessions s on m.session_id = s.session_id
    where a.platform = 'xiaohongshu' and s.ended_at is null
),

rated_of_late as (
    select a.platform, s.business_date
    from as_of a
    cross join limits l
    join session_ratings r on r.rated_at > a.as_of - l.rating_edit_limit
    join sessions s on r.session_id = s.session_id
    where a.platform = 'xiaohongshu'
    union all
    select a.platform, c.business_date
    from as_of a
    cross join limits l
    join cards c on c.rated_at > a.as_of - l.rating_edit_limit
    where a.platform = 'kuaishou'
)

select * from within_horizon
union
select * from asked_of_late
union
select * from rated_of_late
