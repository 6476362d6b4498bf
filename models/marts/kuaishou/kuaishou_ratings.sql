select
    card_id,
    shop_id,
    user_id,
    agent_id,
    channel,
    sent_at,
    business_date,
    level,
    is_counted,
    is_satisfied,
    exclusion_reasons
from {{ ref('int_kuaishou__judged_ratings') }}
