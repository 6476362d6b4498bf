-- Where the assessed period (T-29, K-10) of each metric with a target stands, and how large a sample the days that are left will
-- bring, by the daily mean of late. It is the period that holds the day before as-of; of one that rolls, the window that ends
-- there, and what is left is the next day, when the window's first day falls out. One row per platform, metric and shop.
{{ config(materialized='view') }}
{% set daily_mean_days = 14 %}

with metric_rows as (
    select * from {{ ref('int_metric_values') }} where subject = 'shop'
),

shops as (select platform, shop_id, scope from {{ ref('int_shops') }}),

rules as (select * from {{ ref('metric_rules') }}),

kinds as (select * from {{ ref('metric_periods') }}),

as_of as (select platform, as_of::date as as_of_date from {{ ref('as_of') }}),

assessed as (
    select
        {{ all_but(['days_with_data', 'is_complete'], 'm') }},
        k.kind = 'rolling' as is_rolling,
        a.as_of_date,
        case when k.kind = 'rolling' then 1 else {{ days_between('a.as_of_date', 'm.period_end') }} + 1 end as days_left
    from metric_rows m
    join as_of a on m.platform = a.platform and a.as_of_date - 1 between m.period_start and m.period_end
    join shops s on m.platform = s.platform and m.shop_id = s.shop_id
    join rules r
        on
            s.scope = r.scope
            and m.metric = r.metric
            and m.period = r.assessed_period
            and a.as_of_date - 1 between r.valid_from and r.valid_to
    join kinds k on m.platform = k.platform and m.period = k.period
    where m.target is not null and (k.kind <> 'rolling' or m.period_end = a.as_of_date - 1)
    -- A day can lie in two months of 30 days: the one that ends first is still running.
    qualify row_number() over (partition by m.platform, m.metric, m.shop_id order by m.period_end) = 1
),

days as (
    select d.*, a.as_of_date
    from metric_rows d
    join as_of a on d.platform = a.platform and d.period_end < a.as_of_date
    where d.period = 'day'
),

recent_days as (
    select
        platform,
        metric,
        shop_id,
        sum(denominator) filter (where period_end >= as_of_date - {{ daily_mean_days }}) as denominator,
        least({{ daily_mean_days }}, {{ days_between('min(period_end)', 'as_of_date') }}) as days
    from days
    group by platform, metric, shop_id, as_of_date
)

select
    {{ all_but(['is_rolling', 'as_of_date'], 'm') }},
    m.numerator - coalesce(o.numerator, 0) as kept_numerator,
    m.denominator - coalesce(o.denominator, 0) as kept_denominator,
    coalesce(round(r.denominator / r.days * m.days_left), 0) as expected_denominator
from assessed m
left join recent_days r on m.platform = r.platform and m.metric = r.metric and m.shop_id = r.shop_id
left join days o -- what falls out
    on
        m.platform = o.platform
        and m.metric = o.metric
        and m.shop_id = o.shop_id
        and case when m.is_rolling then m.period_start end = o.period_end
