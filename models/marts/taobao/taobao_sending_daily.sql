select
    shop_id,
    account_id,
    business_date,
    messages,
    buyers,
    streaks_reached_limit,
    prompts,
    exposures,
    clicks
from {{ ref('int_taobao__sending_days') }}
