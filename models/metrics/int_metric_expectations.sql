-- The running month and the last one of each metric with a target, and how large a sample the days that are left will bring, by
-- the daily mean of late. Judged at as-of. One row per platform, metric, shop and month.
{{ config(materialized='view') }}
{% set daily_mean_days = 14 %}

with metric_rows as (
    select * from {{ ref('int_metric_values') }} where subject = 'shop'
),

as_of as (select platform, as_of::date as as_of_date from {{ ref('as_of') }}),

months as (
    select
        m.* exclude (days_with_data, is_complete),
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
)

select
    m.*,
    coalesce(round(r.denominator / r.days * m.days_left), 0) as expected_denominator
from latest_months m
left join recent_days r on m.platform = r.platform and m.metric = r.metric and m.shop_id = r.shop_id
where m.target is not null
