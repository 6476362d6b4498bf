-- How many days after their event rows come. One row per platform, table and days late.
with counted as (select * from {{ source('raw', 'delivery_lateness') }}),

by_days_late as (
    select platform, table_name, days_late, sum(row_count)::bigint as row_count
    from counted
    group by platform, table_name, days_late
)

select
    platform,
    table_name,
    days_late,
    row_count,
    sum(row_count) over (partition by platform, table_name order by days_late)
    / sum(row_count) over (partition by platform, table_name) as landed_share
from by_days_late
