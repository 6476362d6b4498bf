-- The daily figures of after-sales requests that agents of Kuaishou raised. One row per metric, shop or account, and date. Built
-- whole: a request's outcome depends on the as-of time, so that the figures of its day can change with any delivery.
with requests as (select * from {{ ref('int_kuaishou__assisted_after_sales') }}),

answered as ( -- K-21, K-24: one that was withdrawn, or that can still be answered, says nothing yet
    select
        'assisted_after_sales_confirm_rate' as metric,
        shop_id,
        agent_id as account_id,
        initiated_at::date as business_date,
        (outcome = 'confirmed')::integer as numerator,
        1 as denominator
    from requests
    where is_eligible and outcome not in ('cancelled', 'pending')
)

{{ metric_days('answered') }}
