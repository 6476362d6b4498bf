-- A streak runs over days and weeks until something resets it. So it is rebuilt per shop and buyer, from the last reset before
-- what was touched: the end of the last streak that was over by then. What came before that cannot change.
{{ config(materialized='incremental', incremental_strategy='rebuild_pairs') }}
-- depends_on: {{ ref('build_dates') }}

with events as (select * from {{ ref('int_taobao__streak_events') }}),

prompts as (select * from {{ source('taobao', 'rejection_prompts') }}),

shops as (select * from {{ ref('int_taobao__shops') }}),

rules as (select * from {{ ref('taobao_message_rules') }}),

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

resets as ( -- T-53: every reply; T-54: the first order since a reply or since ever
    select *
    from read_events
    where kind <> 'counted'
    qualify kind = 'buyer_reply' or lag(kind, 1, 'buyer_reply') over (
        partition by shop_id, buyer_id order by event_at, event_rank, event_id
    ) = 'buyer_reply'
),

counted_and_resets as (
    select * from resets
    union all
    select * from read_events where kind = 'counted'
),

numbered as (
    select
        *,
        count(*) filter (where kind <> 'counted') over (
            partition by shop_id, buyer_id order by event_at, event_rank, event_id
        ) as resets_before
    from counted_and_resets
),

stretches as ( -- what lies between two resets
    select
        shop_id,
        buyer_id,
        resets_before,
        min(event_at) filter (where kind <> 'counted') as reset_at,
        min(kind) filter (where kind <> 'counted') as reset_by
    from numbered
    group by shop_id, buyer_id, resets_before
),

ends as (
    select
        *,
        lead(reset_at) over (partition by shop_id, buyer_id order by resets_before) as ended_at,
        lead(reset_by) over (partition by shop_id, buyer_id order by resets_before) as ended_by
    from stretches
),

clicks as (select shop_id, buyer_id, clicked_at from prompts where clicked_at is not null),

closed as ( -- T-57: the first click between the two resets; T-58: whenever its prompt was
    select e.shop_id, e.buyer_id, e.resets_before, min(c.clicked_at) as closed_from
    from ends e
    join clicks c
        on
            e.shop_id = c.shop_id
            and e.buyer_id = c.buyer_id
            and coalesce(e.reset_at <= c.clicked_at, true)
            and coalesce(e.ended_at > c.clicked_at, true)
    group by e.shop_id, e.buyer_id, e.resets_before
),

messages as ( -- T-50: in the order in which they were sent, over all accounts and conversations
    select
        m.*,
        e.ended_at,
        e.ended_by,
        c.closed_from,
        row_number() over in_streak as message_number,
        first_value(m.event_id) over in_streak as first_message_id,
        min(m.event_at) over in_streak as started_at
    from numbered m
    join ends e on m.shop_id = e.shop_id and m.buyer_id = e.buyer_id and m.resets_before = e.resets_before
    left join closed c on m.shop_id = c.shop_id and m.buyer_id = c.buyer_id and m.resets_before = c.resets_before
    where m.kind = 'counted'
    window in_streak as (partition by m.shop_id, m.buyer_id, m.resets_before order by m.event_at, m.event_id)
)

select
    'taobao-streak-' || m.first_message_id as streak_id,
    m.shop_id,
    m.buyer_id,
    m.started_at,
    m.ended_at,
    count(*) as counted_messages,
    -- T-55: once a streak, by the rules of the day it began
    min(m.event_at) filter (where m.message_number = u.streak_limit) as reached_limit_at,
    m.ended_by,
    m.closed_from,
    count(*) filter (where m.event_at > m.closed_from) as messages_after_rejection
from messages m
join pairs p on m.shop_id = p.shop_id and m.buyer_id = p.buyer_id
join shops s on m.shop_id = s.shop_id
join rules u on s.scope = u.scope and m.started_at::date between u.valid_from and u.valid_to
where coalesce(m.ended_at >= p.touched_from, true)
group by m.first_message_id, m.shop_id, m.buyer_id, m.started_at, m.ended_at, m.ended_by, m.closed_from
