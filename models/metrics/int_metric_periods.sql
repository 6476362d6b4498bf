-- The metrics over every period: days, the last days up to a day, weeks, months. One row per platform, metric, shop or account,
-- and period, of the periods that hold a date on which something changed.
{{ config(materialized='view') }}

with days as (
    select
        platform, scope, metric, subject, shop_id, account_id, 'day' as period, business_date as period_start,
        business_date as period_end, numerator, denominator, (denominator > 0)::integer as days_with_data
    from {{ ref('int_metric_days') }}
    where (platform, business_date) in (select platform, business_date from {{ ref('int_changed_metric_days') }})
)

select * from days
union all
select * from {{ ref('int_metric_rolling') }}
union all
select * from {{ ref('int_metric_calendar') }}
