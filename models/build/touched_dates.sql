-- The business dates that what landed, or a changed rule, can alter and that no build has rebuilt yet: those on which a round can
-- start that sees the change, and those a platform names itself. A branch per cause. One row per platform and date.
{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ set_first_touched_item() }}') }}

with touched as (
    {{ of_platforms('touched', [
        'cause', 'business_date', 'conversation_id', 'shop_id', 'customer_id', 'account_id', 'touched_from', 'touched_to',
    ]) }}
),

changed_rules as (select * from {{ ref('changed_rules') }}),

request as (select * from {{ source('build', 'request') }}),

starts as ( -- rounds start at questions and at hand-overs; where everything is touched they need no looking at
    select platform, scope, conversation_id, shop_id, customer_id, account_id, item_at, item_date
    from {{ ref('int_items') }}
    where kind in ('Q', 'H') and not (select everything from request) and {{ since_first_item('item_at') }}
),

reach as ( -- how far a round sees: back to what its look-back looks back to, forward to the reply horizon
    select 2 * max(routing_lookback) as backward, max(reply_horizon) as forward from {{ ref('round_rules') }}
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
    select * from item_spans
    union all
    select platform, conversation_id, touched_from, touched_to from touched where cause = 'conversation'
),

dates as (
    select platform, coalesce(business_date, touched_from::date) as business_date
    from touched
    where business_date is not null or cause = 'item'
    union -- by conversation
    select s.platform, s.item_date
    from starts s
    join conversation_spans c on s.platform = c.platform and s.conversation_id = c.conversation_id
    where s.item_at >= c.touched_from and coalesce(s.item_at <= c.touched_to, true)
    union -- by customer
    select s.platform, s.item_date
    from starts s
    join touched c
        on c.cause = 'customer' and s.platform = c.platform and s.shop_id = c.shop_id and s.customer_id = c.customer_id
    where s.item_at >= c.touched_from and coalesce(s.item_at <= c.touched_to, true)
    union -- by account
    select s.platform, s.item_date
    from starts s
    join touched c on c.cause = 'account' and s.platform = c.platform and s.account_id = c.account_id
    where s.item_at >= c.touched_from
    union -- by shop
    select s.platform, s.item_date
    from starts s
    join touched c on c.cause = 'shop' and s.platform = c.platform and s.shop_id = c.shop_id
    where coalesce(s.item_at >= c.touched_from, true) and coalesce(s.item_at <= c.touched_to, true)
    union -- by rules
    select s.platform, s.item_date
    from starts s
    join changed_rules c on s.scope = c.scope and s.item_date between c.valid_from and c.valid_to
    union -- everything: dates on which nothing was asked too, for who wrote then was at work
    select platform, item_date
    from {{ ref('int_items') }}
    where kind <> 'N' and (select everything from request)
)

select platform, business_date from dates
{%- if is_incremental() %}
except
select platform, business_date from {{ this }}
{%- endif %}
