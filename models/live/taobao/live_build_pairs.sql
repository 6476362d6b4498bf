-- The shops and buyers whose running streak matters (V-04): what was written since the last question may leave no message
-- to spare, or the buyer once refused messages. They take the place of build_pairs where the models run for a moment. One row per
-- shop and buyer.
{{ config(meta={'stands_by': 'buyer_id'}) }}

with events as (select * from {{ ref('int_taobao__streak_events') }}),

clicks as (select * from {{ source('taobao', 'rejection_prompts') }} where clicked_at is not null),

limits as (select min(streak_limit) as streak_limit from {{ ref('live_rules') }}),

-- T-54: an order may reset nothing, a question always does. What was written since the last question is never too few.
resets as (
    select shop_id, buyer_id, max(event_at) as reset_at from events where kind = 'buyer_reply' group by shop_id, buyer_id
),

almost_reached as (
    select e.shop_id, e.buyer_id
    from events e
    left join resets r on e.shop_id = r.shop_id and e.buyer_id = r.buyer_id
    where e.kind = 'counted' and coalesce(e.event_at >= r.reset_at, true)
    group by e.shop_id, e.buyer_id
    having count(*) >= (select streak_limit - 1 from limits)
)

select shop_id, buyer_id, '0001-01-01'::timestamp as touched_from from almost_reached
union
select shop_id, buyer_id, '0001-01-01'::timestamp from clicks
