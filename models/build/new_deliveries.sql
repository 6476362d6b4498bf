-- What landed, or landed again, since the last published build. Late rows touch the same dates build after build: only what is
-- new is worth a warning. One row per platform, table and dt.
select platform, table_name, dt, landed_at from {{ source('raw', 'deliveries') }}
except
select platform, table_name, dt, landed_at from {{ source('build', 'built_deliveries') }}
