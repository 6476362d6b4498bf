-- The daily figures of Taobao's metrics over rounds. One row per metric, shop or account, and date.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

with scored as (
    select *
    from {{ ref('int_taobao__round_scores') }}
    where
        is_counted
        and business_date in (select business_date from {{ ref('build_dates') }} where platform = 'taobao')
)

{{ metric_days('scored') }}
