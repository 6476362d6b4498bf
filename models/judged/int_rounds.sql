-- The rounds (轮次) of the dates being built, by rules 0.1, before anything is excluded: from a customer's first question to the
-- first valid reply. One row per round whose clock starts at an item of one of the dates.
--
-- Item kinds: Q question, R valid reply, B full-auto bot, H a human takes over, N no human from here on. T-01, T-27: of the
-- scope that the rules say; at Taobao every account has rounds of its own. T-08, T-09: the clock of a message that waited in the
-- pool or with a bot runs from its assignment. K-02: where bots may answer nobody waits. X-09: a session is one piece.
{{ config(pre_hook='{{ set_first_read_item() }}', meta={'stands_by': 'conversation_id'}) }}
{%- set item = struct_of({'id': 'item_id', 'at': 'item_at', 'kind': 'kind', 'account_id': 'account_id'}) %}

with items as (select * from {{ ref('int_items') }} where {{ since_first_item('item_at') }}),

-- A number for each rule version: what is sorted and joined by it is sorted and joined faster.
rules as (select *, row_number() over (order by rule_version)::smallint as rule_number from {{ ref('round_rules') }}),

dates as (select * from {{ ref('build_dates') }}),

scopes as (select distinct platform, scope from {{ ref('int_shops') }}),

day_offsets as (select n.days_off from range(-30, 31) n (days_off)),

-- A round sees items up to two look-backs before its date (is the question before it still waiting?) and the reply horizon after
-- it. They are all read under the rule version of the round's date, so an item near a change of rules is read twice.
read_dates as (
    select
        r.scope,
        r.rule_number,
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
        d.rule_number,
        i.conversation_id,
        i.shop_id,
        i.customer_id,
        i.account_id,
        case when r.round_scope = 'account' then i.account_id end as round_account_id,
        i.item_at,
        i.item_rank::tinyint as item_rank,
        i.item_id,
        -- Where the rules of the day let bots answer, a bot's message is a reply and nobody ever waits.
        case when i.kind = 'B' and r.reply_scope = 'bot_and_human' then 'R' else i.kind end as kind,
        d.item_date,
        case
            when i.item_at < d.item_date + r.window_start then 'before'
            when i.item_at >= d.item_date + r.window_end then 'after'
            else 'in'
        end as segment,
        d.is_built,
        i.item_at - r.routing_lookback as looked_back_to,
        i.item_at + r.reply_horizon as answered_until
    from items i
    join read_dates d on i.scope = d.scope and i.item_date = d.item_date
    join rules r on d.rule_number = r.rule_number
    -- Where bots may answer nobody waits; a hand-over still says whose an unanswered round is.
    where (i.kind <> 'N' or r.reply_scope = 'human_only') and {{ worked_out_once() }}
),

-- Nobody waits but where the routing took a conversation from humans: only these conversations need the walk.
routed_away as (select distinct rule_number, conversation_id from read_items where kind = 'N'),

marked as (
    select
        *,
        {{ latest_before("case when kind in ('H', 'N', 'R') then " ~ struct_of({'at': 'item_at', 'kind': 'kind'}) ~ " end",
            "in_conversation") }} as phase_mark
    from read_items
    where (rule_number, conversation_id) in (select rule_number, conversation_id from routed_away)
    window in_conversation as (partition by rule_number, conversation_id order by item_at, item_rank, item_id)
),

phased as (
    select
        *,
        coalesce(kind = 'Q' and phase_mark.kind = 'N' and phase_mark.at >= looked_back_to, false) as is_waiting
    from marked
    where kind <> 'N'
),

followed as (
    select
        *,
        coalesce(
            lag(is_waiting) over in_conversation and lag(item_at) over in_conversation >= looked_back_to, false
        ) as follows_waiting
    from phased
    window in_conversation as (partition by rule_number, conversation_id order by item_at, item_rank, item_id)
),

numbered as (
    select
        *,
        is_waiting and not follows_waiting as starts_run,
        kind = 'H' and follows_waiting as takes_over,
        count(case when is_waiting and not follows_waiting then 1 end) over (
            partition by rule_number, conversation_id order by item_at, item_rank, item_id
        ) as run_number
    from followed
),

runs as (
    select
        *,
        {{ next_after("case when kind in ('B', 'R', 'H') then " ~ struct_of({'item': item, 'takes_over': 'takes_over',
            'run_number': 'run_number'}) ~ " end", "in_conversation") }} as next_one
    from numbered
    where {{ worked_out_once() }}
    window in_conversation as (partition by rule_number, conversation_id order by item_at, item_rank, item_id)
),

-- Rule 2: a question that waited is a round of its own, unless a human took over the run it began.
waiting_rounds as (
    select
        *,
        case when next_one.item.kind in ('B', 'R') and next_one.item.at <= answered_until then next_one.item end as reply
    from runs
    where
        starts_run
        and is_built
        and not coalesce(
            next_one.takes_over and next_one.run_number = run_number and next_one.item.at <= answered_until, false
        )
),

-- Rule 3: what a human takes over is the run's first question that is not older than the look-back.
take_overs as (
    select
        h.rule_number,
        h.conversation_id,
        h.kind,
        h.item_id,
        min_by(q.item_id, (q.item_at, q.item_id)) as first_message_id,
        min(q.item_at) as first_message_at
    from runs h
    join runs q
        on
            h.rule_number = q.rule_number
            and h.conversation_id = q.conversation_id
            and h.run_number = q.run_number
            and q.is_waiting
            and q.item_at between h.looked_back_to and h.item_at
    where h.takes_over
    group by all
),

walked as (
    select * from take_overs
    union all
    select rule_number, conversation_id, kind, item_id, null as first_message_id, null as first_message_at
    from runs
    where is_waiting
),

-- Rule 1: what opens and answers rounds with a human: questions that did not wait, what was taken over, replies.
turns as (
    select
        i.*,
        coalesce(w.first_message_id, i.item_id) as first_message_id,
        coalesce(w.first_message_at, i.item_at) as first_message_at
    from read_items i
    left join walked w
        on
            i.rule_number = w.rule_number
            and i.conversation_id = w.conversation_id
            and i.kind = w.kind
            and i.item_id = w.item_id
    where (i.kind = 'Q' and w.item_id is null) or i.kind = 'R' or (i.kind = 'H' and w.item_id is not null)
),

-- A round's segment is contiguous in time, so the item before within the account is the item before within the segment, if that
-- is the same one.
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
    window of_account as (partition by rule_number, conversation_id, round_account_id order by item_at, item_rank, item_id)
),

human_rounds as (
    select
        *,
        case when next_reply.at <= answered_until then next_reply end as reply
    from answered
    where opens_round and is_built
),

found as (
    select
        rule_number, conversation_id, shop_id, customer_id, account_id, item_date, segment, kind, item_id, item_rank, item_at,
        looked_back_to, reply, first_message_id, first_message_at, false as is_waiting
    from human_rounds
    where {{ worked_out_once() }}
    union all
    select
        rule_number, conversation_id, shop_id, customer_id, account_id, item_date, segment, kind, item_id, item_rank, item_at,
        looked_back_to, reply, item_id as first_message_id, item_at as first_message_at, true
    from waiting_rounds
),

-- Who was handling a conversation, where neither a question nor a reply names an account.
handled as (
    select
        f.rule_number,
        f.conversation_id,
        f.kind,
        f.item_id,
        max_by({{ struct_of({'account_id': 'h.account_id'}) }}, (h.item_at, h.item_id)).account_id as account_id
    from found f
    join read_items h
        on
            f.rule_number = h.rule_number
            and f.conversation_id = h.conversation_id
            and f.looked_back_to <= h.item_at
            and h.kind = 'H'
            and (f.item_at, f.item_rank, f.item_id) > (h.item_at, h.item_rank, h.item_id)
    where f.account_id is null and f.reply is null
    group by all
)

select
    c.platform,
    c.platform || '-' || f.kind || '-' || f.item_id as round_id,
    f.conversation_id,
    f.shop_id,
    f.customer_id,
    -- Rule 6: who answered, else who was asked, else who was handling the conversation.
    case when f.reply is not null then f.reply.account_id else coalesce(f.account_id, h.account_id) end as account_id,
    f.account_id as opening_account_id,
    f.item_date as business_date,
    f.segment,
    f.is_waiting,
    f.first_message_id,
    f.first_message_at,
    f.item_at as clock_started_at,
    f.reply.id as first_reply_id,
    f.reply.at as first_reply_at,
    f.reply.kind as reply_kind,
    {{ seconds_between('f.item_at', 'f.reply.at') }} as elapsed_seconds,
    r.rule_version
from found f
join rules r on f.rule_number = r.rule_number
join scopes c on r.scope = c.scope
left join handled h
    on f.rule_number = h.rule_number and f.conversation_id = h.conversation_id and f.kind = h.kind and f.item_id = h.item_id
