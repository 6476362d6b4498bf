-- Every metric of every platform, once, as additive daily figures. What is made of them knows nothing about the metric.
{{ config(materialized='view') }}

select * from {{ ref('int_taobao__metric_days') }}
union all
select * from {{ ref('int_taobao__rating_metric_days') }}
union all
select * from {{ ref('int_taobao__prompt_metric_days') }}
union all
select * from {{ ref('int_kuaishou__metric_days') }}
union all
select * from {{ ref('int_kuaishou__assisted_metric_days') }}
union all
select * from {{ ref('int_xiaohongshu__metric_days') }}
