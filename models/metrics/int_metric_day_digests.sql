-- What the daily figures of a metric on one date come to, as one number that any change of them changes: two builds are compared
-- by it instead of by every figure. One row per platform, metric and date.
select
    platform,
    metric,
    business_date,
    -- The hash is the engine's own: where another engine or version hashes otherwise, every date is taken for changed, once.
    {{ sum_of_hashes(['scope', 'subject', 'shop_id', 'account_id', 'numerator', 'denominator']) }} as digest
from {{ ref('int_metric_days') }}
group by platform, metric, business_date
