-- The daily figures of Kuaishou's metrics. One row per metric, shop or account, and date.
{{ config(materialized='view') }}
{%- set columns = 'metric, subject, shop_id, account_id, business_date, numerator, denominator' %}

select {{ columns }} from {{ ref('int_kuaishou__service_metric_days') }}
union all
select {{ columns }} from {{ ref('int_kuaishou__assisted_metric_days') }}
