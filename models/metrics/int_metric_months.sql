-- Metrics by month. A day can lie in the period of its own month and in that of the next one, whose period may begin before the
-- 1st. One row per platform, metric, shop or account, and month.
{{ config(materialized='view') }}

with days as (select * from {{ ref('int_metric_days') }}),

rules as (select * from {{ ref('metric_rules') }}),

months as (
    select
        *,
        (unnest([date_trunc('month', business_date), date_trunc('month', business_date) + interval 1 month]))::date as month
    from days
),

month_ends as (
    select m.*, last_day(m.month) - r.month_lag_days as period_end, r.month_days
    from months m
    join rules r on m.scope = r.scope and m.metric = r.metric and last_day(m.month) between r.valid_from and r.valid_to
),

periods as (
    select *, coalesce(period_end - (month_days - 1), month) as period_start
    from month_ends
)

select
    platform,
    scope,
    metric,
    subject,
    shop_id,
    account_id,
    'month' as period,
    period_start,
    period_end,
    sum(numerator) as numerator,
    sum(denominator) as denominator,
    (count(*) filter (where denominator > 0))::integer as days_with_data
from periods
where business_date between period_start and period_end
group by platform, scope, metric, subject, shop_id, account_id, period_start, period_end
