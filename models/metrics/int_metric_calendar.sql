-- Metrics by week and by month, as the seed metric_periods has them. A day can lie in the period of its own month and in that of
-- the next one, whose period may begin before the 1st. One row per platform, metric, shop or account, and period, of the periods
-- that hold a date on which something changed.
{{ config(materialized='view') }}

with days as (select * from {{ ref('int_metric_days') }}),

rules as (select * from {{ ref('metric_rules') }}),

periods as ( -- with the months, from its own on, whose period a day may lie in
    select p.platform, p.period, p.kind, p.days, n.months_on
    from {{ ref('metric_periods') }} p
    join (values ('week', 0), ('calendar_month', 0), ('month_end', 0), ('month_end', 1)) n (kind, months_on) on p.kind = n.kind
),

since as ( -- the first day that can lie in such a period
    select platform, min(business_date) - {{ longest_period_days() }} as first_date
    from {{ ref('int_changed_metric_days') }}
    group by platform
),

candidates as ( -- the weeks and months that a day may lie in
    select
        d.*,
        p.period,
        p.kind,
        p.days,
        case p.kind
            when 'week' then date_trunc('week', d.business_date)
            else date_trunc('month', d.business_date) + p.months_on * interval 1 month
        end::date as first_day
    from days d
    join since s on d.platform = s.platform and d.business_date >= s.first_date
    join periods p on d.platform = p.platform
),

ends as ( -- T-35, T-60: so many days that end before the month does, by the rules of its last day
    select
        c.*,
        case c.kind
            when 'week' then c.first_day + 6
            when 'calendar_month' then last_day(c.first_day)
            else last_day(c.first_day) - r.month_lag_days
        end as period_end
    from candidates c
    join rules r on c.scope = r.scope and c.metric = r.metric and last_day(c.first_day) between r.valid_from and r.valid_to
),

spans as (
    select *, case when kind = 'month_end' then period_end - (days - 1) else first_day end as period_start
    from ends
)

select
    platform,
    scope,
    metric,
    subject,
    shop_id,
    account_id,
    period,
    period_start,
    period_end,
    sum(numerator) as numerator,
    sum(denominator) as denominator,
    (count(*) filter (where denominator > 0))::integer as days_with_data
from spans
where
    business_date between period_start and period_end
    and (platform, period_start, period_end) in (
        {{ changed_periods('spans') }}
    )
group by platform, scope, metric, subject, shop_id, account_id, period, period_start, period_end
