-- Every metric of every platform, once, as additive daily figures. What is made of them knows nothing about the metric. One row
-- per platform, metric, shop or account, and date.
{{ config(materialized='view') }}

with days as (
    {{ of_platforms('metric_days', [
        'metric', 'subject', 'shop_id', 'account_id', 'business_date', 'numerator', 'denominator',
    ]) }}
),

shops as (select platform, shop_id, scope from {{ ref('int_shops') }})

select
    d.platform,
    s.scope,
    d.metric,
    d.subject,
    d.shop_id,
    d.account_id,
    d.business_date,
    d.numerator,
    d.denominator
from days d
join shops s on d.platform = s.platform and d.shop_id = s.shop_id
where d.denominator > 0
