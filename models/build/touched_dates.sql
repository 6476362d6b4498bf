-- The business dates that what landed, or a changed rule, can alter and that no build has rebuilt yet: those on which a round can
-- start that sees the change, and those a platform names itself. A branch per cause. One row per platform and date.
{{ config(materialized='incremental', incremental_strategy='append') }}

{%- set spans = ['cause', 'business_date', 'conversation_id', 'shop_id', 'customer_id', 'account_id', 'touched_from', 'touched_to'] %}

with touched as ({{ of_platforms('touched', spans) }}),

starts as ( -- rounds start at questions and at hand-overs
    select platform, scope, conversation_id, shop_id, customer_id, account_id, item_at, item_date
    from {{ ref('int_items') }}
    where kind in ('Q', 'H')
),

reach as ( -- how far a round sees: back to what its look-back looks back to, forward to the reply horizon
    select 2 * max(routing_lookback) as backward, max(reply_horizon) as forward from {{ ref('round_rules') }}
),

request as (select * from {{ source('build', 'request') }}),

of_themselves as (
    select platform, coalesce(business_date, touched_from::date) as business_date
    from touched
    where business_date is not null or cause = 'item'
),

item_spans as ( -- of the changes of a conversation on one day the first and the last reach as far as all together
    select
        t.platform,
        t.conversation_id,
        min(t.touched_from) - r.forward as touched_from,
        max(t.touched_from) + r.backward as touched_to
    from touched t
    cross join reach r
    where t.cause = 'item'
    group by t.platform, t.conversation_id, t.touched_from::date, r.forward, r.backward
),

conversation_spans as (
    select platform, conversation_id, touched_from, touched_to from item_spans
    union all
    select platform, conversation_id, touched_from, touched_to from touched where cause = 'conversation'
),

by_conversation as (
    select s.platform, s.item_date
    from starts s
    join conversation_spans c on s.platform = c.platform and s.conversation_id = c.conversation_id
    where s.item_at >= c.touched_from and coalesce(s.item_at <= c.touched_to, true)
),

by_customer as (
    select s.platform, s.item_date
    from starts s
    join touched c
        on c.cause = 'customer' and s.platform = c.platform and s.shop_id = c.shop_id and s.customer_id = c.customer_id
    where s.item_at >= c.touched_from and coalesce(s.item_at <= c.touched_to, true)
),

by_account as (
    select s.platform, s.item_date
    from starts s
    join touched c on c.cause = 'account' and s.platform = c.platform and s.account_id = c.account_id
    where s.item_at >= c.touched_from
),

by_shop as (
    select s.platform, s.item_date
    from starts s
    join touched c on c.cause = 'shop' and s.platform = c.platform and s.shop_id = c.shop_id
),

by_rules as (
    select s.platform, s.item_date
    from starts s
    join {{ ref('changed_rules') }} c on s.scope = c.scope and s.item_date between c.valid_from and c.valid_to
),

everything as ( -- dates on which nothing was asked too: who wrote then was at work
    select platform, item_date
    from {{ ref('int_items') }}
    where kind <> 'N' and (select everything from request)
),

dates as (
    select * from of_themselves
    union
    select * from by_conversation
    union
    select * from by_customer
    union
    select * from by_account
    union
    select * from by_shop
    union
    select * from by_rules
    union
    select * from everything
)

select platform, business_date from dates
{%- if is_incremental() %}
except
select platform, business_date from {{ this }}
{%- endif %}
