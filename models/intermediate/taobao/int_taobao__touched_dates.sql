-- Which business dates the rows that a landing changed can alter: those on which a round can start that sees them.
{{ config(materialized='view') }}

with messages as (select * from {{ source('taobao', 'messages') }}),

items as (select * from {{ ref('int_taobao__items') }}),

-- Rounds start at questions and at hand-overs.
starts as (select *, item_at::date as business_date from items where kind in ('Q', 'H')),

reach as ( -- how far a round sees: back to what its look-back looks back to, forward to the reply horizon
    select 2 * max(routing_lookback) as backward, max(reply_horizon) as forward, max(response_target) as target
    from {{ ref('taobao_rules') }}
),

changed_items as (
    select conversation_id, sent_at as changed_at from {{ source('changed', 'taobao_messages') }}
    union all
    select conversation_id, occurred_at from {{ source('changed', 'taobao_reception_events') }}
    union all
    select m.conversation_id, m.sent_at
    from {{ source('changed', 'taobao_message_recalls') }} r
    join messages m on r.message_id = m.message_id
),

by_items as (
    select changed_at::date as business_date from changed_items
    union
    select s.business_date
    from starts s
    join changed_items c on s.conversation_id = c.conversation_id
    cross join reach r
    where s.item_at between c.changed_at - r.forward and c.changed_at + r.backward
),

by_blocks as (
    select s.business_date
    from starts s
    join {{ source('changed', 'taobao_buyer_blocks') }} b on s.shop_id = b.shop_id and s.customer_id = b.buyer_id
    cross join reach r
    where s.item_at >= b.blocked_at - r.target and coalesce(s.item_at <= b.unblocked_at, true)
),

by_flags as (
    select s.business_date
    from starts s
    join {{ source('changed', 'taobao_platform_flags') }} f on s.conversation_id = f.conversation_id
    where s.item_at >= f.flagged_from and coalesce(s.item_at <= f.flagged_to, true)
),

by_accounts as (
    select s.business_date
    from starts s
    join {{ source('changed', 'taobao_accounts') }} a on s.account_id = a.account_id
    where s.item_at >= a.disabled_at
),

by_shops as ( -- the marketplace decides the rules
    select s.business_date
    from starts s
    where s.shop_id in (select shop_id from {{ source('changed', 'taobao_shops') }})
),

by_rules as (
    select s.business_date
    from starts s
    join {{ ref('changed_rules') }} c on s.scope = c.scope and s.business_date between c.valid_from and c.valid_to
),

everything as ( -- dates on which nothing was asked too: who wrote then was at work, and may have written what T-65 discourages
    select item_at::date as business_date
    from items
    where kind <> 'N' and (select everything from {{ source('build', 'request') }})
    union
    select sent_at::date
    from messages
    where direction = 'outbound' and (select everything from {{ source('build', 'request') }})
),

touched as (
    select business_date from by_items
    union
    select business_date from by_blocks
    union
    select business_date from by_flags
    union
    select business_date from by_accounts
    union
    select business_date from by_shops
    union
    select business_date from by_rules
    union
    select business_date from everything
)

select 'taobao' as platform, business_date
from touched
