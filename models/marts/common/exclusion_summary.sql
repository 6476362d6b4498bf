select
    platform,
    shop_id,
    business_date,
    reason,
    rounds
from {{ ref('int_exclusion_summary') }}
