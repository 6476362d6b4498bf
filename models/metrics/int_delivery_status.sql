-- Each day's delivery of a table, against what is usual. One row per platform, table and dt, delivered or expected.
with deliveries as (select * from {{ source('raw', 'deliveries') }}),

daily_tables as (select * from {{ source('raw', 'daily_tables') }}),

first_dts as (
    select platform, table_name, min(dt) as first_dt
    from deliveries
    group by platform, table_name
),

expected as ( -- where no other platform delivers any more either, nobody can tell a missing day from one to come
    select
        d.platform,
        d.table_name,
        unnest(generate_series(f.first_dt, (select max(dt) from deliveries), interval 1 day))::date as dt
    from daily_tables d
    join first_dts f on d.platform = f.platform and d.table_name = f.table_name
),

days as (
    select platform, table_name, dt from expected
    union
    select platform, table_name, dt from deliveries
),

with_usual as (
    select
        y.platform,
        y.table_name,
        y.dt,
        d.dt is not null as is_delivered,
        d.row_count,
        d.rejected_row_count,
        case when count(d.row_count) over same_weekday >= 2 then median(d.row_count) over same_weekday end as usual_row_count
    from days y
    left join deliveries d on y.platform = d.platform and y.table_name = d.table_name and y.dt = d.dt
    window
        same_weekday as (
            partition by y.platform, y.table_name, isodow(y.dt)
            order by y.dt range between interval 28 days preceding and interval 1 day preceding
        )
)

select
    platform,
    table_name,
    dt,
    is_delivered,
    row_count,
    rejected_row_count,
    rejected_row_count / nullif(row_count + rejected_row_count, 0) as rejected_share,
    usual_row_count,
    row_count / nullif(usual_row_count, 0) as volume_ratio
from with_usual
