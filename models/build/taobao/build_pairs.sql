-- The shops and buyers whose streaks this build rewrites, and from when on. One row per shop and buyer.
with touched as (
    select shop_id, buyer_id, min(touched_from) as touched_from
    from {{ ref('touched_pairs') }}
    group by shop_id, buyer_id
),

events as (select * from {{ ref('int_taobao__streak_events') }}),

request as (select * from {{ source('build', 'request') }}),

ranges as (select first_date, last_date from request where first_date is not null), -- without one nothing reads the events

asked_for as ( -- whoever wrote, ordered or was written to on the dates asked for
    select distinct e.shop_id, e.buyer_id, r.first_date::timestamp as touched_from
    from events e
    join ranges r on e.event_at >= r.first_date and e.event_at < r.last_date + 1
)

select
    coalesce(t.shop_id, a.shop_id) as shop_id,
    coalesce(t.buyer_id, a.buyer_id) as buyer_id,
    least(t.touched_from, a.touched_from) as touched_from
from touched t
full join asked_for a on t.shop_id = a.shop_id and t.buyer_id = a.buyer_id
where a.shop_id is not null or (select with_touched from request)
