select
    platform,
    shop_id,
    account_id,
    business_date,
    consulted_buyers,
    received_buyers,
    unreplied_buyers,
    buyer_messages,
    agent_messages,
    answer_ask_ratio,
    agent_characters,
    first_response_seconds,
    avg_response_seconds,
    reception_seconds
from {{ ref('int_reception_days') }}
