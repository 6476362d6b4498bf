-- A business date of this build without a delivery of a table that comes every day: its figures may lack what has not come.
-- A table is expected from its first dt on; dates later than any delivery only where they were asked for.
-- To do: ask the exporting system for these days; what lands is built by itself.
{{ config(severity='warn', meta={'date': 'dt', 'dagster': {'ref': {'name': 'delivery_status'}}}) }}

with deliveries as (select * from {{ source('raw', 'deliveries') }}),

request as (select * from {{ source('build', 'request') }}),

first_dts as (
    select platform, table_name, min(dt) as first_dt
    from deliveries
    group by platform, table_name
)

select b.platform, t.table_name, b.business_date as dt, s.usual_row_count
from {{ ref('build_dates') }} b
join {{ source('raw', 'daily_tables') }} t on b.platform = t.platform
join first_dts f on b.platform = f.platform and t.table_name = f.table_name and b.business_date >= f.first_dt
left join {{ ref('delivery_status') }} s on t.platform = s.platform and t.table_name = s.table_name and b.business_date = s.dt
where
    s.is_delivered is distinct from true
    and (b.business_date <= (select max(dt) from deliveries) or b.business_date <= (select last_date from request))
