-- The daily figures of replies and ratings at Kuaishou. K-03: of replies people are counted. One row per metric, shop or account,
-- and date.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

with units as (select * from {{ ref('int_kuaishou__reply_units') }}),

ratings as (
    select *
    from {{ ref('int_kuaishou__rating_scores') }}
    where
        is_counted
        and business_date in (select business_date from {{ ref('build_dates') }} where platform = 'kuaishou')
),

replies as (
    select
        metric,
        subject,
        shop_id,
        account_id,
        business_date,
        sum(numerator::decimal(18, 6)) as numerator,
        sum(1::decimal(18, 6)) as denominator
    from units
    group by all
)

select * from replies
union all
{{ metric_days('ratings') }}
