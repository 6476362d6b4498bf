-- The daily figures of Taobao's metrics. One row per metric, shop or account, and date.
{{ config(materialized='view') }}

select * from {{ ref('int_taobao__round_metric_days') }}
union all
select * from {{ ref('int_taobao__rating_metric_days') }}
union all
select * from {{ ref('int_taobao__prompt_metric_days') }}
