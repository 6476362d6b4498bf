-- Metrics over the last days up to each day, as the seed metric_periods has them, from a subject's first day to the day before
-- as-of, whether it has data of its own or not. One row per platform, metric, shop or account, period and its last day, of the
-- windows that hold a date on which something changed.
{{ config(materialized='view') }}

with days as (select * from {{ ref('int_metric_days') }}),

as_of as (select platform, as_of::date as as_of_date from {{ ref('as_of') }}),

periods as (select * from {{ ref('metric_periods') }} where kind = 'rolling'),

wanted as ( -- the last days of windows that hold such a date
    select distinct
        c.platform,
        p.period,
        p.days as rolling_days,
        {{ each_date('c.business_date', 'least(c.business_date + p.days, a.as_of_date) - 1') }} as business_date
    from {{ ref('int_changed_metric_days') }} c
    join as_of a on c.platform = a.platform
    join periods p on c.platform = p.platform
),

wanted_range as (
    select platform, period, rolling_days, min(business_date) as first_wanted, max(business_date) as last_wanted
    from wanted
    group by platform, period, rolling_days
),

read_days as ( -- what lies in the windows that end in the range
    select d.*, w.period, w.rolling_days, w.first_wanted, w.last_wanted
    from days d
    join wanted_range w on d.platform = w.platform
    where d.business_date between w.first_wanted - (w.rolling_days - 1) and w.last_wanted
),

changes as ( -- a day comes into the window that ends with it, and goes from the one that many days later
    select
        {{ all_but(['numerator', 'denominator']) }},
        numerator,
        denominator,
        business_date as changes_on,
        1 as days_with_data
    from read_days
    union all
    select
        {{ all_but(['numerator', 'denominator']) }},
        -numerator as numerator,
        -denominator as denominator,
        business_date + rolling_days,
        -1
    from read_days
),

rolled as (
    select
        {{ all_but(['business_date', 'numerator', 'denominator', 'days_with_data']) }},
        sum(numerator) over so_far as numerator,
        sum(denominator) over so_far as denominator,
        (sum(days_with_data) over so_far)::integer as days_with_data,
        lead(changes_on) over so_far as next_changes_on
    from changes
    window so_far as (partition by platform, metric, subject, shop_id, account_id, period order by changes_on)
),

windows as (
    select
        *,
        {{ each_date('greatest(changes_on, first_wanted)', 'least(next_changes_on - 1, last_wanted)') }} as business_date
    from rolled
    where denominator > 0
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
from windows
where (platform, period, business_date) in (select platform, period, business_date from wanted)
