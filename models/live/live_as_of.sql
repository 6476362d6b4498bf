-- The moment that is looked at, which is every platform's as-of time (V-01). Whoever runs these models sets it as a variable of
-- the session. One row per platform.
{{ config(materialized='view') }}

select distinct platform, getvariable('live_at')::timestamp as as_of from {{ source('raw', 'deliveries') }}
