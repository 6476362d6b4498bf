select
    platform,
    metric,
    subject,
    shop_id,
    account_id,
    period,
    period_end,
    reason,
    items,
    value_if,
    example_id
from {{ ref('int_reconciliation_reasons') }}
