-- Why rounds of the dates being built, and ratings, of Taobao and Tmall do not count. One row per round or rating, reason and row
-- that is the cause, which `evidence` tells.
{{ config(materialized='view') }}

with rounds as (select * from {{ ref('int_rounds') }} where platform = 'taobao'),

of_ratings as (select * from {{ ref('int_taobao__rating_exclusions') }}),

rules as (select * from {{ ref('taobao_rules') }}),

messages as (select * from {{ source('taobao', 'messages') }}),

accounts as (select * from {{ source('taobao', 'accounts') }}),

blocks as (select * from {{ source('taobao', 'buyer_blocks') }}),

flags as (select * from {{ source('taobao', 'platform_flags') }}),

closings as (select * from {{ source('taobao', 'shop_closings') }}),

blocked as ( -- T-03: the buyer's block held when the time to answer ran out, and nobody had answered by then
    select
        r.round_id as judged_id,
        'buyer_blocked_shop' as reason,
        'blocked ' || {{ span_in_words('b.blocked_at', 'b.unblocked_at') }}
        || ', the time to answer ran out at ' || (r.clock_started_at + u.response_target) as evidence
    from rounds r
    join rules u on r.rule_version = u.rule_version
    join blocks b on r.shop_id = b.shop_id and r.customer_id = b.buyer_id
    where
        b.blocked_at <= r.clock_started_at + u.response_target
        and coalesce(b.unblocked_at > r.clock_started_at + u.response_target, true)
        and not coalesce(r.reply_kind = 'R' and r.elapsed_seconds <= u.response_target_seconds, false)
),

special_peers as ( -- T-05 own accounts, T-13 other merchants, T-14 the platform's people
    select r.round_id as judged_id, m.peer_kind as reason, 'message ' || m.message_id || ' came from ' || m.peer_kind as evidence
    from rounds r
    join messages m on r.first_message_id = m.message_id
    where m.peer_kind <> 'consumer'
),

flagged as ( -- T-12 advertising, T-18 cheating, T-20 abuse; T-26: from flagged_from to flagged_to
    select
        r.round_id as judged_id,
        f.flag_type as reason,
        'flagged ' || {{ span_in_words('f.flagged_from', 'f.flagged_to') }} as evidence
    from rounds r
    join flags f on r.conversation_id = f.conversation_id
    where r.clock_started_at >= f.flagged_from and coalesce(r.clock_started_at < f.flagged_to, true)
),

-- T-17: the account asked was deleted or disabled before; T-25: its type does not matter, a proxy counts like others
disabled as (
    select
        r.round_id as judged_id,
        'account_disabled' as reason,
        'account ' || a.account_id || ' disabled at ' || a.disabled_at as evidence
    from rounds r
    join accounts a on r.opening_account_id = a.account_id
    where a.disabled_at <= r.clock_started_at
),

zero_second as ( -- T-19: nobody reads and writes in less than a second
    select
        r.round_id as judged_id,
        'zero_second_reply' as reason,
        'replied in ' || r.elapsed_seconds::double || ' s, less than ' || u.zero_second_threshold::double || ' s' as evidence
    from rounds r
    join rules u on r.rule_version = u.rule_version
    where r.reply_kind = 'R' and r.elapsed_seconds < u.zero_second_threshold
),

shop_closed as ( -- T-28
    select
        r.round_id as judged_id,
        'shop_closed' as reason,
        'closed ' || {{ span_in_words('c.closed_from', 'c.closed_to') }} as evidence
    from rounds r
    join closings c on r.shop_id = c.shop_id
    where r.clock_started_at >= c.closed_from and coalesce(r.clock_started_at < c.closed_to, true)
)
{% set reasons = {
    'round': ['blocked', 'special_peers', 'flagged', 'disabled', 'zero_second', 'shop_closed'],
    'rating': ['of_ratings'],
} %}
{{ exclusions_of(reasons) }}
