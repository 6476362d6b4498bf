-- The daily figures of Kuaishou's metrics. One row per metric, shop or account, and date.
{{ config(materialized='view') }}

select * from {{ ref('int_kuaishou__service_metric_days') }}
union all
select * from {{ ref('int_kuaishou__assisted_metric_days') }}
