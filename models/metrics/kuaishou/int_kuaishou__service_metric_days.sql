-- The daily figures of replies and ratings at Kuaishou. One row per metric, shop or account, and date.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

with counted as (
    select *
    from {{ ref('int_kuaishou__scores') }}
    where
        is_counted
        and business_date in (select business_date from {{ ref('build_dates') }} where platform = 'kuaishou')
),

-- K-03: of an account, those of the rounds it is responsible for.
units as (
    select 'shop' as subject, metric, shop_id, null as account_id, business_date, unit_id, min(numerator) as numerator
    from counted
    group by all
    union all
    select 'account', metric, shop_id, account_id, business_date, unit_id, min(numerator)
    from counted
    where account_id is not null
    group by all
)

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
