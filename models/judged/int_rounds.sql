-- The rounds (轮次) of the dates being built, by rules 0.1, before anything is excluded: from a customer's first question to the
-- first valid reply. One row per round whose clock starts at an item of one of the dates.
--
-- Item kinds: Q question, R valid reply, B full-auto bot, H a human takes over, N no human from here on. T-01, T-27: of the
-- scope that the rules say; at Taobao every account has rounds of its own. T-08, T-09: the clock of a message that waited in the
-- pool or with a bot runs from its assignment. K-02: where bots may answer nobody waits. X-09: a session is one piece.
{%- set item = struct_of({'id': 'item_id', 'at': 'item_at', 'kind': 'kind', 'account_id': 'account_id'}) %}

with items as (select * from {{ ref('int_items') }}),

rules as (select * from {{ ref('round_rules') }}),

dates as (select * from {{ ref('build_dates') }}),

scopes as (select distinct platform, scope from {{ ref('int_shops') }}),

day_offsets as (select unnest(range(-30, 31)) as days_off),

-- A round sees items up to two look-backs before its date (is the question before it still waiting?) and the reply horizon after
-- it. They are all read under the rule version of the round's date, so an item near a change of rules is read twice.
read_dates as (
    select
        r.scope,
        r.rule_version,
        (d.business_date + s.days_off * interval 1 day)::date as item_date,
        bool_or(s.days_off = 0) as is_built
    from dates d
    join scopes c on d.platform = c.platform
    join rules r on c.scope = r.scope and d.business_date between r.valid_from and r.valid_to
    join day_offsets s on s.days_off * interval 1 day between -2 * r.routing_lookback and r.reply_horizon
    group by all
),

read_items as (
    select
        i.platform,
        i.conversation_id,
        i.shop_id,
        i.customer_id,
        i.account_id,
        i.item_at,
        i.item_rank,
        i.item_id,
        -- Where the rules of the day let bots answer, a bot's message is a reply and nobody ever waits.
        case when i.kind = 'B' and r.reply_scope = 'bot_and_human' then 'R' else i.kind end as kind,
        d.rule_version,
        d.item_date,
        d.is_built,
        r.routing_lookback,
        r.reply_horizon,
        case when r.round_scope = 'account' then i.account_id end as round_account_id,
        case
            when i.item_at < d.item_date + r.window_start then 'before'
            when i.item_at >= d.item_date + r.window_end then 'after'
            else 'in'
        end as segment
    from items i
    join read_dates d on i.scope = d.scope and i.item_date = d.item_date
    join rules r on d.scope = r.scope and d.rule_version = r.rule_version
    -- Where bots may answer, routing says nothing about who is on the conversation.
    where i.kind not in ('H', 'N') or r.reply_scope = 'human_only'
),

marked as (
    select
        *,
        {{ latest_before("case when kind in ('H', 'N', 'R') then " ~ item ~ " end", "in_conversation") }} as phase_mark,
        {{ latest_before("case when kind = 'H' then " ~ item ~ " end", "in_conversation") }} as hand_over
    from read_items
    window in_conversation as (partition by rule_version, conversation_id order by item_at, item_rank, item_id)
),

phased as (
    select
        *,
        coalesce(kind = 'Q' and phase_mark.kind = 'N' and phase_mark.at >= item_at - routing_lookback, false) as is_waiting
    from marked
),

-- Waiting runs: only conversations in which a question waited need the walk.
waiting_conversations as (select distinct rule_version, conversation_id from phased where is_waiting),

followed as (
    select
        *,
        coalesce(
            lag(is_waiting) over in_conversation and lag(item_at) over in_conversation >= item_at - routing_lookback, false
        ) as follows_waiting
    from phased
    where
        kind <> 'N'
        and (rule_version, conversation_id) in (select (rule_version, conversation_id) from waiting_conversations)
    window in_conversation as (partition by rule_version, conversation_id order by item_at, item_rank, item_id)
),

numbered as (
    select
        *,
        is_waiting and not follows_waiting as starts_run,
        kind = 'H' and follows_waiting as takes_over,
        count(*) filter (where is_waiting and not follows_waiting) over (
            partition by rule_version, conversation_id order by item_at, item_rank, item_id
        ) as run_number
    from followed
),

runs as (
    select
        *,
        {{ next_after("case when kind in ('B', 'R', 'H') then " ~ item ~ " end", "in_conversation") }} as next_item,
        {{ next_after("case when kind in ('B', 'R', 'H') then takes_over end", "in_conversation") }} as next_takes_over,
        {{ next_after("case when kind in ('B', 'R', 'H') then run_number end", "in_conversation") }} as next_run_number
    from numbered
    window in_conversation as (partition by rule_version, conversation_id order by item_at, item_rank, item_id)
),

-- Rule 2: a question that waited is a round of its own, unless a human took over the run it began.
waiting_rounds as (
    select
        *,
        case when next_item.kind in ('B', 'R') and next_item.at <= item_at + reply_horizon then next_item end as reply
    from runs
    where
        starts_run
        and is_built
        and not coalesce(
            next_takes_over and next_run_number = run_number and next_item.at <= item_at + reply_horizon, false
        )
),

-- Rule 3: what a human takes over is the run's first question that is not older than the look-back.
take_overs as (
    select
        h.rule_version,
        h.conversation_id,
        h.kind,
        h.item_id,
        min_by(q.item_id, (q.item_at, q.item_id)) as first_message_id,
        min(q.item_at) as first_message_at
    from runs h
    join runs q
        on
            h.rule_version = q.rule_version
            and h.conversation_id = q.conversation_id
            and h.run_number = q.run_number
            and q.is_waiting
            and q.item_at between h.item_at - h.routing_lookback and h.item_at
    where h.takes_over
    group by all
),

-- Rule 1: what opens and answers rounds with a human. A round's segment is contiguous in time, so the item before within
-- the account is the item before within the segment, if that is the same one.
turns as (
    select
        p.*,
        coalesce(t.first_message_id, p.item_id) as first_message_id,
        coalesce(t.first_message_at, p.item_at) as first_message_at
    from phased p
    left join take_overs t
        on
            p.rule_version = t.rule_version
            and p.conversation_id = t.conversation_id
            and p.kind = t.kind
            and p.item_id = t.item_id
    where (p.kind = 'Q' and not p.is_waiting) or p.kind = 'R' or t.item_id is not null
),

answered as (
    select
        *,
        kind in ('Q', 'H') and not coalesce(
            lag(kind) over of_account in ('Q', 'H')
            and lag(item_date) over of_account = item_date
            and lag(segment) over of_account = segment,
            false
        ) as opens_round,
        {{ next_after("case when kind = 'R' then " ~ item ~ " end", "of_account") }} as next_reply
    from turns
    window of_account as (partition by rule_version, conversation_id, round_account_id order by item_at, item_rank, item_id)
),

human_rounds as (
    select
        *,
        case when next_reply.at <= item_at + reply_horizon then next_reply end as reply
    from answered
    where opens_round and is_built
),

found as (
    select
        platform, rule_version, conversation_id, shop_id, customer_id, account_id, item_date, segment, kind, item_id, item_at,
        routing_lookback, hand_over, reply, first_message_id, first_message_at, false as is_waiting
    from human_rounds
    union all
    select
        platform, rule_version, conversation_id, shop_id, customer_id, account_id, item_date, segment, kind, item_id, item_at,
        routing_lookback, hand_over, reply, item_id as first_message_id, item_at as first_message_at, true
    from waiting_rounds
)

select
    platform,
    platform || '-' || kind || '-' || item_id as round_id,
    conversation_id,
    shop_id,
    customer_id,
    -- Rule 6: who answered, else who was asked, else who was handling the conversation.
    case
        when reply.id is not null then reply.account_id
        when account_id is not null then account_id
        when hand_over.at >= item_at - routing_lookback then hand_over.account_id
    end as account_id,
    account_id as opening_account_id,
    item_date as business_date,
    segment,
    is_waiting,
    first_message_id,
    first_message_at,
    item_at as clock_started_at,
    reply.id as first_reply_id,
    reply.at as first_reply_at,
    reply.kind as reply_kind,
    {{ seconds_between('item_at', 'reply.at') }} as elapsed_seconds,
    rule_version
from found
