select
    platform,
    round_id,
    conversation_id,
    shop_id,
    customer_id as buyer_id,
    account_id,
    business_date,
    first_message_at,
    clock_started_at,
    first_reply_at,
    response_seconds::double as response_seconds,
    is_counted,
    is_on_time,
    first_reason,
    exclusion_reasons,
    rule_version
from {{ ref('int_all_rounds') }}
