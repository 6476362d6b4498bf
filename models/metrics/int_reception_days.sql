-- The workload sheet (接待数据) of all platforms, of the dates being built. One row per platform, shop or account, and date of the
-- message. Sums are decimals, so that they do not depend on the order of rows.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}
-- depends_on: {{ ref('build_dates') }}

with talks as (select * from {{ ref('int_reception_talks') }}),

responses as (select * from {{ ref('int_reception_responses') }}),

buyers as (
    select
        platform,
        shop_id,
        account_id,
        business_date,
        customer_id,
        sum(buyer_messages) as buyer_messages,
        sum(agent_messages) as agent_messages,
        sum(agent_characters) as agent_characters
    from talks
    group by platform, shop_id, account_id, business_date, customer_id
),

messages as (
    select
        platform,
        shop_id,
        account_id,
        business_date,
        count(*) filter (where buyer_messages > 0) as consulted_buyers,
        count(*) filter (where agent_messages > 0) as received_buyers,
        count(*) filter (where buyer_messages > 0 and agent_messages = 0) as unreplied_buyers,
        sum(buyer_messages) as buyer_messages,
        sum(agent_messages) as agent_messages,
        sum(agent_characters) as agent_characters
    from buyers
    group by platform, shop_id, account_id, business_date
),

conversations as (
    select
        platform, shop_id, account_id, business_date,
        {{ seconds_between('min(first_item_at)', 'max(last_item_at)') }} as reception_seconds
    from talks
    group by platform, shop_id, account_id, business_date, conversation_id
),

receptions as (
    select platform, shop_id, account_id, business_date, sum(reception_seconds)::double / count(*) as reception_seconds
    from conversations
    group by platform, shop_id, account_id, business_date
),

days as ( -- a round handed over just before midnight may have all its messages on the next day
    select platform, shop_id, account_id, business_date from messages
    union
    select platform, shop_id, account_id, business_date from responses
)

select
    d.*,
    coalesce(m.consulted_buyers, 0)::bigint as consulted_buyers,
    coalesce(m.received_buyers, 0)::bigint as received_buyers,
    coalesce(m.unreplied_buyers, 0)::bigint as unreplied_buyers,
    coalesce(m.buyer_messages, 0)::bigint as buyer_messages,
    coalesce(m.agent_messages, 0)::bigint as agent_messages,
    m.agent_messages::double / nullif(m.buyer_messages, 0) as answer_ask_ratio,
    coalesce(m.agent_characters, 0)::bigint as agent_characters,
    r.first_response_seconds,
    r.avg_response_seconds,
    c.reception_seconds
from days d
left join messages m
    on
        d.platform = m.platform
        and d.shop_id = m.shop_id
        and d.business_date = m.business_date
        and d.account_id is not distinct from m.account_id
left join responses r
    on
        d.platform = r.platform
        and d.shop_id = r.shop_id
        and d.business_date = r.business_date
        and d.account_id is not distinct from r.account_id
left join receptions c
    on
        d.platform = c.platform
        and d.shop_id = c.shop_id
        and d.business_date = c.business_date
        and d.account_id is not distinct from c.account_id
