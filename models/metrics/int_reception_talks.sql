-- What was said on the dates being built. One row per platform, account (null = none), date of the message, customer and
-- conversation.
{{ config(materialized='view') }}

select
    platform,
    shop_id,
    account_id,
    business_date,
    customer_id,
    conversation_id,
    count(*) filter (where kind = 'Q') as buyer_messages,
    count(*) filter (where kind = 'R') as agent_messages,
    coalesce(sum(characters) filter (where kind = 'R'), 0) as agent_characters,
    min(item_at) filter (where kind = 'Q') as first_question_at,
    min(item_at) filter (where kind = 'R') as first_reply_at,
    min(item_at) as first_item_at,
    max(item_at) as last_item_at
from {{ ref('int_reception_items') }}
group by platform, shop_id, account_id, business_date, customer_id, conversation_id
