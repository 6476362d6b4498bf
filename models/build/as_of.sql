select
    platform,
    max(dt) + interval 1 day as as_of
from {{ source('raw', 'deliveries') }}
group by platform
