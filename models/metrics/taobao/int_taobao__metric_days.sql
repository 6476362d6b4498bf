-- The daily figures of Taobao's metrics. One row per metric, shop or account, and date.
{{ config(materialized='view') }}
{%- set columns = 'metric, subject, shop_id, account_id, business_date, numerator, denominator' %}

select {{ columns }} from {{ ref('int_taobao__round_metric_days') }}
union all
select {{ columns }} from {{ ref('int_taobao__rating_metric_days') }}
union all
select {{ columns }} from {{ ref('int_taobao__prompt_metric_days') }}
