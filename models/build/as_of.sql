-- The as-of time, 00:00 after the newest landed dt: what depends on "now" is judged at it. What the platform publishes says
-- nothing of how far the shop's own data reach. One row per platform.
select
    platform,
    (max(dt) + interval 1 day)::timestamp as as_of
from {{ source('raw', 'deliveries') }}
where left(table_name, 9) <> 'official_'
group by platform
