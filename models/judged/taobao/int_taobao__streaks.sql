-- Messages in a row to a buyer, until a reply or a new order, before any rejection. One row per streak. A streak runs over days
-- and weeks until something resets it. So it is rebuilt per shop and buyer, from the last reset before what was touched: the end
-- of the last streak that was over by then. What came before that cannot change.
{{ config(materialized='incremental', incremental_strategy='rebuild_pairs', meta={'stands_by': 'buyer_id'}) }}

with events as (select * from {{ ref('int_taobao__streak_events') }}),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

pairs as (select * from {{ ref('build_pairs') }}),

read_from as (
    {% if is_incremental() -%}
    select p.shop_id, p.buyer_id, p.touched_from, max(t.ended_at) as event_at
    from pairs p
    left join {{ this }} t on p.shop_id = t.shop_id and p.buyer_id = t.buyer_id and p.touched_from > t.ended_at
    group by p.shop_id, p.buyer_id, p.touched_from
    {%- else -%}
    select shop_id, buyer_id, touched_from, null::timestamp as event_at from pairs
    {%- endif %}
),

read_events as (
    select e.*
    from events e
    join read_from r on e.shop_id = r.shop_id and e.buyer_id = r.buyer_id and coalesce(e.event_at >= r.event_at, true)
),

counted_and_resets as ( -- T-53: every reply resets; T-54: of orders the first since a reply or since ever
    select * from read_events where kind = 'counted'
    union all
    select *
    from read_events
    where kind <> 'counted'
    qualify kind = 'buyer_reply' or lag(kind, 1, 'buyer_reply') over (
        partition by shop_id, buyer_id order by event_at, event_rank, event_id
    ) = 'buyer_reply'
),

stretched as ( -- what lies between two resets
    select
        *,
        count(case when kind <> 'counted' then 1 end) over (
            partition by shop_id, buyer_id order by event_at, event_rank, event_id
        ) as resets_before
    from counted_and_resets
),

resets as (
    select shop_id, buyer_id, resets_before, event_at as reset_at, kind as reset_by from stretched where kind <> 'counted'
),

messages as ( -- T-50: in the order in which they were sent, over all accounts and conversations
    select
        *,
        row_number() over in_streak as message_number,
        first_value(event_id) over in_streak as first_message_id,
        min(event_at) over in_streak as started_at
    from stretched
    where kind = 'counted'
    window in_streak as (partition by shop_id, buyer_id, resets_before order by event_at, event_id)
)

select
    'taobao-streak-' || m.first_message_id as streak_id,
    m.shop_id,
    m.buyer_id,
    b.reset_at as begins_after,
    m.started_at,
    e.reset_at as ended_at,
    count(*) as counted_messages,
    -- T-55: once a streak, by the rules of the day it began
    min(m.event_at) filter (where m.message_number = u.streak_limit) as reached_limit_at,
    min(m.account_id) filter (where m.message_number = u.streak_limit) as limit_account_id,
    e.reset_by as ended_by
from messages m
join pairs p on m.shop_id = p.shop_id and m.buyer_id = p.buyer_id
join rules u on m.shop_id = u.shop_id and m.started_at::date between u.valid_from and u.valid_to
left join resets b on m.shop_id = b.shop_id and m.buyer_id = b.buyer_id and m.resets_before = b.resets_before
left join resets e on m.shop_id = e.shop_id and m.buyer_id = e.buyer_id and m.resets_before + 1 = e.resets_before
where coalesce(e.reset_at >= p.touched_from, true)
group by m.first_message_id, m.shop_id, m.buyer_id, b.reset_at, m.started_at, e.reset_at, e.reset_by
