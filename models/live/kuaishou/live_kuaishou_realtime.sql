-- V-03, K-04: the reply rate at each whole minute of the moment's date, up to the moment (实时三分钟人工回复率).
{{ config(alias='kuaishou_realtime') }}

with as_of as (select as_of from {{ ref('live_as_of') }} where platform = 'kuaishou'),

minutes as (select * from {{ ref('int_kuaishou__realtime') }})

select
    m.shop_id,
    m.as_of,
    m.consulted_users,
    m.unanswered_users,
    m.value
from minutes m
join as_of a on m.as_of <= a.as_of and m.as_of::date = a.as_of::date
