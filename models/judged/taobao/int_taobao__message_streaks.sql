-- The streaks of messages in a row, and since when a rejection closed each. One row per streak.
with streaks as (select * from {{ ref('int_taobao__streaks') }}),

events as (select * from {{ ref('int_taobao__streak_events') }} where kind = 'counted'),

clicks as (select * from {{ source('taobao', 'rejection_prompts') }} where clicked_at is not null),

closed as ( -- T-57: the first click between the two resets; T-58: whenever its prompt was
    select k.streak_id, k.shop_id, k.buyer_id, k.ended_at, min(c.clicked_at) as closed_from
    from streaks k
    join clicks c
        on
            k.shop_id = c.shop_id
            and k.buyer_id = c.buyer_id
            and coalesce(k.begins_after <= c.clicked_at, true)
            and coalesce(k.ended_at > c.clicked_at, true)
    group by k.streak_id, k.shop_id, k.buyer_id, k.ended_at
),

written_after as (
    select c.streak_id, count(*) as messages
    from closed c
    join events e on c.shop_id = e.shop_id and c.buyer_id = e.buyer_id
    where e.event_at > c.closed_from and coalesce(e.event_at < c.ended_at, true)
    group by c.streak_id
)

select
    k.streak_id,
    k.shop_id,
    k.buyer_id,
    k.started_at,
    k.ended_at,
    k.counted_messages,
    k.reached_limit_at,
    k.ended_by,
    c.closed_from,
    coalesce(a.messages, 0) as messages_after_rejection
from streaks k
left join closed c on k.streak_id = c.streak_id
left join written_after a on k.streak_id = a.streak_id
