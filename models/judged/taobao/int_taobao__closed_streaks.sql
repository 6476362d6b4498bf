-- The streaks in which a rejection closed the buyer to the shop, since when and until when, and how much was written to a closed
-- buyer. One row per streak with any of it. What comes before or after each click and message is looked for in their order: a
-- buyer with ten thousand of them takes no square of that.
with clicks as (select * from {{ source('taobao', 'rejection_prompts') }} where clicked_at is not null),

clickers as (select distinct shop_id, buyer_id from clicks), -- few buyers ever clicked

streaks as (
    select k.*, {{ struct_of({'id': 'k.streak_id', 'ended_at': 'k.ended_at'}) }} as streak
    from {{ ref('int_taobao__streaks') }} k
    join clickers c on k.shop_id = c.shop_id and k.buyer_id = c.buyer_id
),

events as (
    select e.*
    from {{ ref('int_taobao__streak_events') }} e
    join clickers c on e.shop_id = c.shop_id and e.buyer_id = c.buyer_id
),

happened as ( -- a streak reaches from the reset before it to the one that ends it
    select
        shop_id, buyer_id, coalesce(begins_after, '0001-01-01'::timestamp) as happened_at, 0 as position, 'streak' as kind, streak
    from streaks
    union all
    select shop_id, buyer_id, clicked_at, 1, 'click', null from clicks
    union all
    select shop_id, buyer_id, event_at, 1, case kind when 'counted' then 'message' else 'opening' end, null from events
),

told as (
    select
        *,
        {{ latest_before('streak', 'in_order') }} as in_streak,
        max(case when kind = 'click' then happened_at end) over (
            partition by shop_id, buyer_id
            order by happened_at range between unbounded preceding and interval 1 microsecond preceding -- noqa: PRS
        ) as last_clicked_at,
        max(case when kind = 'opening' then happened_at end) over (
            partition by shop_id, buyer_id order by happened_at
        ) as last_opened_at,
        min(case when kind = 'opening' then happened_at end) over (
            partition by shop_id, buyer_id
            order by happened_at range between interval 1 microsecond following and unbounded following -- noqa: PRS
        ) as next_opened_at
    from happened
    window in_order as (partition by shop_id, buyer_id order by happened_at, position)
)

select
    in_streak.id as streak_id,
    -- T-57: the first click between the two resets; T-58: whenever its prompt was
    min(happened_at) filter (where kind = 'click') as closed_from,
    -- T-57: every question and any order opens, though of several orders only the first refreshes the count (T-54)
    min(next_opened_at) filter (where kind = 'click') as closed_until,
    -- T-58: every click closes to what is written later, until something opens
    count(*) filter (
        where kind = 'message' and coalesce(last_clicked_at >= last_opened_at, last_clicked_at is not null)
    ) as messages_after_rejection
from told
where coalesce(in_streak.ended_at > happened_at, in_streak is not null)
group by in_streak.id
having closed_from is not null or messages_after_rejection > 0
