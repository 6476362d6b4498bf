-- What the assessed period of a shop's metric still needs or allows, or how it ended. Judged at as-of. One row per platform,
-- metric and shop.
with expected as (select * from {{ ref('int_metric_expectations') }}),

metrics as (select * from {{ ref('metrics') }}),

-- Decimals: 0.7 * 10 is 7 and not a little more.
measured as (
    select
        e.*,
        t.unit,
        t.better,
        e.target::decimal(9, 6) * (e.kept_denominator + e.expected_denominator)::decimal(18, 0)
        - e.kept_numerator::decimal(18, 6) as numerator_to_target
    from expected e
    join metrics t on e.platform = t.platform and e.metric = t.metric
),

rest as (
    select
        *,
        case better when 'higher' then greatest(ceil(numerator_to_target), 0) end as needed_numerator,
        case better when 'lower' then case unit when 'share' then floor(numerator_to_target) else numerator_to_target end end
            as allowed_numerator
    from measured
)

select
    platform,
    metric,
    shop_id,
    period,
    period_start,
    period_end,
    numerator,
    denominator,
    value,
    unit,
    target,
    is_assessed,
    days_left::integer as days_left,
    expected_denominator::double as expected_denominator,
    needed_numerator::double as needed_numerator,
    allowed_numerator::double as allowed_numerator,
    case
        when is_met then 'met'
        when not is_assessed then 'not_assessed'
        when days_left = 0 then 'missed'
        when needed_numerator > expected_denominator or allowed_numerator < 0 then 'lost'
        else 'at_risk'
    end as status
from rest
