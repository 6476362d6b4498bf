-- Metrics over the last days up to each day, as the seed metric_periods has them, from a subject's first day to the day before
-- as-of, whether it has data of its own or not. One row per platform, metric, shop or account, period and its last day.
{{ config(materialized='view') }}

with days as (select * from {{ ref('int_metric_days') }}),

as_of as (select platform, as_of::date as as_of_date from {{ ref('as_of') }}),

periods as (select * from {{ ref('metric_periods') }} where kind = 'rolling'),

subjects as (
    select platform, scope, metric, subject, shop_id, account_id, min(business_date) as first_date
    from days
    group by platform, scope, metric, subject, shop_id, account_id
),

calendar as (
    select
        s.*,
        unnest(generate_series(s.first_date, a.as_of_date - 1, interval 1 day))::date as business_date
    from subjects s
    join as_of a on s.platform = a.platform
),

windows as (
    select c.*, p.period, p.days as rolling_days
    from calendar c
    join periods p on c.platform = p.platform
),

rolled as (
    select
        w.* exclude (first_date),
        sum(d.numerator) over last_days as numerator,
        sum(d.denominator) over last_days as denominator,
        (count(*) filter (where d.denominator > 0) over last_days)::integer as days_with_data
    from windows w
    left join days d
        on
            w.platform = d.platform
            and w.metric = d.metric
            and w.subject = d.subject
            and w.shop_id = d.shop_id
            and w.account_id is not distinct from d.account_id
            and w.business_date = d.business_date
    window last_days as (
        partition by w.platform, w.metric, w.subject, w.shop_id, w.account_id, w.period
        order by w.business_date range between (w.rolling_days - 1) * interval 1 day preceding and current row -- noqa: PRS
    )
)

select
    platform,
    scope,
    metric,
    subject,
    shop_id,
    account_id,
    period,
    business_date - (rolling_days - 1) as period_start,
    business_date as period_end,
    numerator,
    denominator,
    days_with_data
from rolled
where denominator > 0
