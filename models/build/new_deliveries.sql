-- Late rows touch the same dates build after build: only what is new is worth a warning.
with deliveries as (select * from {{ source('raw', 'deliveries') }}),

built as (select max(landed_at) as landed_at from {{ source('build', 'built_landing') }})

select d.platform, d.table_name, d.dt
from deliveries d
cross join built b
where b.landed_at is null or d.landed_at > b.landed_at
