-- Metrics over the last days up to each day, as the seed metric_periods has them, from a subject's first day to the day before
-- as-of, whether it has data of its own or not. One row per platform, metric, shop or account, period and its last day, of the
-- windows that hold a date on which something changed.
{{ config(materialized='view') }}

with days as (select * from {{ ref('int_metric_days') }}),

as_of as (select platform, as_of::date as as_of_date from {{ ref('as_of') }}),

periods as (select * from {{ ref('metric_periods') }} where kind = 'rolling'),

subjects as (
    select platform, scope, metric, subject, shop_id, account_id, min(business_date) as first_date
    from days
    group by platform, scope, metric, subject, shop_id, account_id
),

wanted as ( -- the last days of windows that hold such a date
    select distinct
        c.platform,
        p.period,
        p.days as rolling_days,
        unnest(generate_series(
            c.business_date, least(c.business_date + p.days, a.as_of_date) - 1, interval 1 day
        ))::date as business_date
    from {{ ref('int_changed_metric_days') }} c
    join as_of a on c.platform = a.platform
    join periods p on c.platform = p.platform
),

read_days as ( -- from the first day of the first of them to the last of the last
    select
        platform,
        period,
        rolling_days,
        min(business_date) - (rolling_days - 1) as first_read,
        max(business_date) as last_read
    from wanted
    group by platform, period, rolling_days
),

windows as (
    select
        s.*,
        r.period,
        r.rolling_days,
        unnest(generate_series(greatest(s.first_date, r.first_read), r.last_read, interval 1 day))::date as business_date
    from subjects s
    join read_days r on s.platform = r.platform
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
where denominator > 0 and (platform, period, business_date) in (select (platform, period, business_date) from wanted)
