-- V-04: the buyers whom the shop wrote to on the moment's date and whom the next message would prompt to refuse further ones. A
-- streak that has been silent for longer is no news. One row per running streak.
with buyers as (select * from {{ ref('buyers_to_spare') }}),

streaks as (select * from {{ ref('int_taobao__streaks') }} where ended_at is null),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

written as (
    select distinct shop_id, buyer_id
    from {{ ref('int_taobao__streak_events') }}
    where kind = 'counted' and event_at >= (select max(as_of)::date from buyers)
)

select
    b.shop_id,
    b.buyer_id,
    s.streak_id,
    b.counted_messages
from buyers b
join streaks s on b.shop_id = s.shop_id and b.buyer_id = s.buyer_id
join written w on b.shop_id = w.shop_id and b.buyer_id = w.buyer_id
join rules r on b.shop_id = r.shop_id and b.as_of::date between r.valid_from and r.valid_to
where b.counted_messages = r.streak_limit - 1
