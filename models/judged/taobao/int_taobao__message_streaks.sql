-- The streaks of messages in a row, since when a rejection closed each and until when, and what was written to a closed buyer.
-- One row per streak.
with streaks as (select * from {{ ref('int_taobao__streaks') }}),

clicks as (select * from {{ source('taobao', 'rejection_prompts') }} where clicked_at is not null),

events as ( -- of the few buyers who ever clicked
    select * from {{ ref('int_taobao__streak_events') }}
    where (shop_id, buyer_id) in (select (shop_id, buyer_id) from clicks)
),

openings as (select * from events where kind <> 'counted'), -- what gives leave to write again: every question, every order

closed as ( -- T-57: the first click between the two resets; T-58: whenever its prompt was
    select k.streak_id, k.shop_id, k.buyer_id, min(c.clicked_at) as closed_from
    from streaks k
    join clicks c
        on
            k.shop_id = c.shop_id
            and k.buyer_id = c.buyer_id
            and coalesce(k.begins_after <= c.clicked_at, true)
            and coalesce(k.ended_at > c.clicked_at, true)
    group by k.streak_id, k.shop_id, k.buyer_id
),

opened_again as ( -- T-57: any order, though of several only the first refreshes the count (T-54)
    select c.streak_id, min(o.event_at) as closed_until
    from closed c
    join openings o on c.shop_id = o.shop_id and c.buyer_id = o.buyer_id and c.closed_from < o.event_at
    group by c.streak_id
),

last_clicks as ( -- T-58: every click closes to what is written after it
    select m.event_id, m.shop_id, m.buyer_id, m.event_at, max(c.clicked_at) as clicked_at
    from events m
    join clicks c on m.shop_id = c.shop_id and m.buyer_id = c.buyer_id and m.event_at > c.clicked_at
    where m.kind = 'counted'
    group by m.event_id, m.shop_id, m.buyer_id, m.event_at
),

after_rejection as (
    select m.event_id, m.shop_id, m.buyer_id, m.event_at
    from last_clicks m
    left join openings o
        on
            m.shop_id = o.shop_id
            and m.buyer_id = o.buyer_id
            and m.clicked_at < o.event_at
            and m.event_at >= o.event_at
    where o.event_id is null
),

written_after as (
    select k.streak_id, count(*) as messages
    from streaks k
    join after_rejection m
        on
            k.shop_id = m.shop_id
            and k.buyer_id = m.buyer_id
            and k.started_at <= m.event_at
            and coalesce(k.ended_at > m.event_at, true)
    group by k.streak_id
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
    o.closed_until,
    coalesce(a.messages, 0) as messages_after_rejection
from streaks k
left join closed c on k.streak_id = c.streak_id
left join opened_again o on k.streak_id = o.streak_id
left join written_after a on k.streak_id = a.streak_id
