-- The as-of time, 00:00 after the newest landed dt: what depends on "now" is judged at it. What the platform publishes says
-- nothing of how far the shop's own data reach. One row per platform.
select
    platform,
    max(dt) + interval 1 day as as_of
from {{ source('raw', 'deliveries') }}
where not starts_with(table_name, 'official_')
group by platform
