-- The as-of time, 00:00 after the newest landed dt: what depends on "now" is judged at it. One row per platform.
select
    platform,
    max(dt) + interval 1 day as as_of
from {{ source('raw', 'deliveries') }}
group by platform
