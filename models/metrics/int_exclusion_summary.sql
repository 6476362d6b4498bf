-- How many rounds, of Xiaohongshu sessions, count, and for which first reason others do not. One row per platform, shop, date and
-- reason.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

select
    platform,
    shop_id,
    business_date,
    coalesce(first_reason, 'counted') as reason,
    count(*) as rounds
from {{ ref('int_all_rounds') }}
where (platform, business_date) in (select platform, business_date from {{ ref('build_dates') }})
group by all
