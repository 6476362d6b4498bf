-- V-04: the buyers whom one more message would prompt to refuse further ones, or who have refused them (拒收提醒触发前预警), at
-- the moment and by the rules of its date.
with as_of as (select as_of from {{ ref('live_as_of') }} where platform = 'taobao'),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

running as (select * from {{ ref('int_taobao__streaks') }} where ended_at is null),

clicks as (select * from {{ source('taobao', 'rejection_prompts') }} where clicked_at is not null),

events as (select * from {{ ref('int_taobao__streak_events') }}),

openings as ( -- T-57: the last question or order gives leave to write again
    select shop_id, buyer_id, max(event_at) as opened_at
    from events
    where kind <> 'counted' and (shop_id, buyer_id) in (select shop_id, buyer_id from clicks)
    group by shop_id, buyer_id
),

closed as (
    select c.shop_id, c.buyer_id, min(c.clicked_at) as closed_since
    from clicks c
    left join openings o on c.shop_id = o.shop_id and c.buyer_id = o.buyer_id
    where coalesce(c.clicked_at >= o.opened_at, true)
    group by c.shop_id, c.buyer_id
),

buyers as (
    select shop_id, buyer_id, counted_messages, null::timestamp as closed_since from running
    union all
    select shop_id, buyer_id, 0, closed_since from closed
),

summed as (
    select shop_id, buyer_id, sum(counted_messages)::bigint as counted_messages, max(closed_since) as closed_since
    from buyers
    group by shop_id, buyer_id
)

select
    a.as_of,
    b.shop_id,
    b.buyer_id,
    b.counted_messages,
    b.closed_since
from summed b
cross join as_of a
join rules r on b.shop_id = r.shop_id and a.as_of::date between r.valid_from and r.valid_to
where b.counted_messages >= r.streak_limit - 1 or b.closed_since is not null
