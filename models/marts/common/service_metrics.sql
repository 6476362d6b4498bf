select
    platform,
    metric,
    subject,
    shop_id,
    account_id,
    period,
    period_start,
    period_end,
    numerator,
    denominator,
    value,
    target,
    is_assessed,
    is_met,
    rule_version
from {{ ref('int_metric_values') }}
