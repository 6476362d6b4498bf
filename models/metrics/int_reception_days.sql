-- The workload sheet (接待数据, 咨询接待) of all platforms, of the dates being built. One row per platform, shop or account, and date of
-- the message. Sums are decimals, so that they do not depend on the order of rows.
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_dates',
    pre_hook='{{ set_first_built_item(holder_lookback_days()) }}'
) }}
-- depends_on: {{ ref('build_dates') }}

with buyers as (select * from {{ ref('int_reception_buyers') }}),

responses as (select * from {{ ref('int_reception_responses') }} where {{ worked_out_once() }}),

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
        sum(agent_characters) as agent_characters,
        sum(reception_seconds)::double / sum(conversations) as reception_seconds,
        count(*) filter (where buyer_messages > 0 and agent_messages > 0) as effective_buyers, -- W-01
        sum(consultations) as consultations,
        sum(answered_consultations) as answered_consultations,
        -- W-06: of a question and a reply at the same time the question is first
        count(*) filter (where buyer_messages > 0 and coalesce(first_question_at <= first_reply_at, true)) as buyer_initiated,
        -- W-07
        count(*) filter (where agent_messages > 0 and coalesce(first_question_at > first_reply_at, true)) as agent_initiated,
        count(*) filter (where is_long) as long_buyers
    from buyers
    where {{ worked_out_once() }}
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
    m.reception_seconds,
    coalesce(m.effective_buyers, 0)::bigint as effective_buyers,
    coalesce(m.consultations, 0)::bigint as consultations,
    coalesce(m.answered_consultations, 0)::bigint as answered_consultations,
    coalesce(m.consultations - m.answered_consultations, 0)::bigint as unanswered_consultations, -- W-04
    m.answered_consultations::double / nullif(m.consultations, 0) as reply_rate, -- W-05
    coalesce(m.buyer_initiated, 0)::bigint as buyer_initiated,
    coalesce(m.agent_initiated, 0)::bigint as agent_initiated,
    coalesce(r.slow_buyers, 0)::bigint as slow_buyers,
    coalesce(m.long_buyers, 0)::bigint as long_buyers,
    coalesce(m.buyer_messages + m.agent_messages, 0)::bigint as messages -- W-10
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
