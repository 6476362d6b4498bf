-- What has landed, how new it is, and how much could not be read. One row per platform and table.
with deliveries as (select * from {{ source('raw', 'deliveries') }})

select
    platform,
    table_name,
    max(dt) as last_dt,
    max(newest_event_at) as last_event_at,
    sum(row_count)::bigint as row_count,
    sum(rejected_row_count)::bigint as rejected_row_count
from deliveries
group by platform, table_name
