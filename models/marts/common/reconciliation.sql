select
    platform,
    metric,
    subject,
    shop_id,
    account_id,
    period,
    period_end,
    official_value,
    computed_value,
    difference,
    official_numerator,
    computed_numerator,
    official_denominator,
    computed_denominator,
    status
from {{ ref('int_reconciliation') }}
