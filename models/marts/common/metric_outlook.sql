-- What the running month of a shop's metric still allows, and how its last month ended. Judged at as-of.
{% set daily_mean_days = 14 %}

with metric_rows as (
    select * from {{ ref('service_metrics') }} where subject = 'shop'
),

metrics as (select * from {{ ref('metrics') }}),

as_of as (select platform, as_of::date as as_of_date from {{ ref('as_of') }}),

months as (
    select
        m.*,
        m.period_end < a.as_of_date as is_over,
        greatest(m.period_end - a.as_of_date + 1, 0) as days_left
    from metric_rows m
    join as_of a on m.platform = a.platform
    where m.period = 'month'
),

-- Of the months that are over, the last one: a shop without it has none.
latest_months as (
    select *
    from months
    qualify not is_over or period_end = max(period_end) filter (where is_over) over (partition by platform, metric)
),

recent_days as (
    select
        d.platform,
        d.metric,
        d.shop_id,
        sum(d.denominator) filter (where d.period_end >= a.as_of_date - {{ daily_mean_days }}) as denominator,
        least({{ daily_mean_days }}, a.as_of_date - min(d.period_end)) as days
    from metric_rows d
    join as_of a on d.platform = a.platform
    where d.period = 'day' and d.period_end < a.as_of_date
    group by d.platform, d.metric, d.shop_id, a.as_of_date
),

expected as (
    select
        m.*,
        coalesce(round(r.denominator / r.days * m.days_left), 0) as expected_denominator
    from latest_months m
    left join recent_days r on m.platform = r.platform and m.metric = r.metric and m.shop_id = r.shop_id
    where m.target is not null
),

-- Decimals: 0.7 * 10 is 7 and not a little more.
measured as (
    select
        e.*,
        t.unit,
        t.is_lower_better,
        e.target::decimal(9, 6) * (e.denominator + e.expected_denominator)::decimal(18, 0)
        - e.numerator::decimal(18, 6) as numerator_to_target
    from expected e
    join metrics t on e.platform = t.platform and e.metric = t.metric
),

rest as (
    select
        *,
        case when not is_lower_better then greatest(ceil(numerator_to_target), 0) end as needed_numerator,
        case when is_lower_better then case unit when 'rate' then floor(numerator_to_target) else numerator_to_target end end
            as allowed_numerator
    from measured
)

select
    platform,
    metric,
    shop_id,
    date_trunc('month', period_end)::date as month,
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
        when is_over then 'missed'
        when needed_numerator > expected_denominator or allowed_numerator < 0 then 'lost'
        else 'at_risk'
    end as status
from rest
