select
    round_id,
    conversation_id as session_id,
    shop_id,
    customer_id as user_id,
    account_id as agent_id,
    business_date,
    first_message_id,
    first_message_at,
    clock_started_at,
    first_reply_id,
    first_reply_at,
    response_seconds::double as response_seconds,
    is_counted,
    is_on_time,
    exclusion_reasons,
    rule_version
from {{ ref('int_judged_rounds') }}
where platform = 'kuaishou'
