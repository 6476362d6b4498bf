select
    platform,
    metric,
    subject,
    shop_id,
    account_id,
    period,
    period_end,
    revision,
    value,
    numerator,
    denominator,
    published_at
from {{ ref('int_metric_revisions') }}
