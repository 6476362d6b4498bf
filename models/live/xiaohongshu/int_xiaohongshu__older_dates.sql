-- X-09: the dates of sessions, which are one piece however long ago they began, in which a user asked of late and that nobody
-- ended, or that were rated of late. One row per date.
{{ config(materialized='view') }}

with sessions as (select *, entered_at::date as business_date from {{ source('xiaohongshu', 'sessions') }}),

user_messages as (select * from {{ source('xiaohongshu', 'messages') }} where sender_kind = 'user'),

ratings as (select * from {{ source('xiaohongshu', 'ratings') }}),

as_of as (select as_of from {{ ref('live_as_of') }} where platform = 'xiaohongshu'),

limits as (select max(reply_horizon) as reply_horizon from {{ ref('live_rules') }}),

shown as (select shown_from from {{ ref('live_shown_ratings') }} where platform = 'xiaohongshu'),

asked_of_late as (
    select s.business_date
    from user_messages m
    join sessions s on m.session_id = s.session_id
    where m.sent_at > (select a.as_of - l.reply_horizon from as_of a cross join limits l) and s.ended_at is null
),

rated_of_late as (
    select s.business_date
    from ratings r
    join sessions s on r.session_id = s.session_id
    where r.rated_at > (select shown_from from shown)
)

select * from asked_of_late
union
select * from rated_of_late
