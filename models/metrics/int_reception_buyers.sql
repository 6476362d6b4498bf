-- What a buyer and a shop, or one of its accounts, said to each other on a date being built. One row per platform, shop or
-- account (null: the shop), date of the messages and buyer.
{{ config(materialized='view') }}

with talks as (select * from {{ ref('int_reception_talks') }} where {{ worked_out_once() }}),

shops as (select platform, shop_id, scope from {{ ref('int_shops') }}),

rules as (select * from {{ ref('reception_rules') }}),

conversations as ( -- of the shop's whole the accounts of a conversation are one
    select * from talks where account_id is not null
    union all
    select
        platform, shop_id, null as account_id, business_date, customer_id, conversation_id,
        sum(buyer_messages), sum(agent_messages), sum(agent_characters),
        min(first_question_at), min(first_reply_at), min(first_item_at), max(last_item_at)
    from talks
    group by platform, shop_id, business_date, customer_id, conversation_id
),

timed as (
    select *, {{ seconds_between('first_item_at', 'last_item_at') }} as reception_seconds
    from conversations
),

pairs as ( -- W-02: who asked an account; W-03: whom it wrote to that day. What nobody was asked is the shop's, and unanswered.
    select
        platform, shop_id, account_id, business_date, customer_id,
        (sum(buyer_messages) > 0)::integer as consultations,
        (sum(buyer_messages) > 0 and sum(agent_messages) > 0 and account_id is not null)::integer as answered_consultations
    from talks
    group by platform, shop_id, account_id, business_date, customer_id
),

consultations as (
    select * from pairs where account_id is not null
    union all
    select platform, shop_id, null, business_date, customer_id, sum(consultations), sum(answered_consultations)
    from pairs
    group by platform, shop_id, business_date, customer_id
),

buyers as (
    select
        t.platform,
        t.shop_id,
        t.account_id,
        t.business_date,
        t.customer_id,
        sum(t.buyer_messages) as buyer_messages,
        sum(t.agent_messages) as agent_messages,
        sum(t.agent_characters) as agent_characters,
        min(t.first_question_at) as first_question_at,
        min(t.first_reply_at) as first_reply_at,
        count(*) as conversations,
        sum(t.reception_seconds) as reception_seconds,
        max(t.reception_seconds) > any_value(r.long_reception_seconds) as is_long -- W-09
    from timed t
    join shops s on t.platform = s.platform and t.shop_id = s.shop_id
    join rules r on s.scope = r.scope and t.business_date between r.valid_from and r.valid_to
    group by t.platform, t.shop_id, t.account_id, t.business_date, t.customer_id
)

select
    b.*,
    c.consultations,
    c.answered_consultations
from buyers b
join consultations c
    on
        b.platform = c.platform
        and b.shop_id = c.shop_id
        and b.account_id is not distinct from c.account_id
        and b.business_date = c.business_date
        and b.customer_id = c.customer_id
