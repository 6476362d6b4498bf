-- The daily figures of Xiaohongshu's metrics. One row per metric, shop or account, and date. X-13: the worked example of the
-- source is a month of these.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

with scored as (
    select *
    from {{ ref('int_xiaohongshu__scores') }}
    where
        is_counted
        and business_date in (select business_date from {{ ref('build_dates') }} where platform = 'xiaohongshu')
)

{{ metric_days('scored') }}
