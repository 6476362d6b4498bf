select
    platform,
    shop_id,
    account_id,
    business_date,
    origin,
    received_buyers,
    cards_sent,
    ratings,
    very_satisfied,
    satisfied,
    neutral,
    dissatisfied,
    very_dissatisfied,
    send_rate,
    return_rate,
    satisfaction_rate
from {{ ref('int_rating_days') }}
