-- Each day's delivery of a table, against what is usual. One row per platform, table and dt, delivered or expected.
with deliveries as (select * from {{ source('raw', 'deliveries') }}),

newest as (select max(dt) as last_dt from deliveries),

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
        {{ each_date('f.first_dt', 'n.last_dt') }} as dt
    from daily_tables d
    join first_dts f on d.platform = f.platform and d.table_name = f.table_name
    cross join newest n
),

days as (
    select platform, table_name, dt from expected
    union
    select platform, table_name, dt from deliveries
),

usual as ( -- of the same weekday in the four weeks before, of those days that were delivered
    select d.platform, d.table_name, d.dt + w.days_after as dt, median(d.row_count) as usual_row_count
    from deliveries d
    cross join (values (7), (14), (21), (28)) w (days_after)
    group by d.platform, d.table_name, d.dt + w.days_after
    having count(d.row_count) >= 2
),

with_usual as (
    select
        y.platform,
        y.table_name,
        y.dt,
        d.dt is not null as is_delivered,
        d.row_count,
        d.rejected_row_count,
        u.usual_row_count
    from days y
    left join deliveries d on y.platform = d.platform and y.table_name = d.table_name and y.dt = d.dt
    left join usual u on y.platform = u.platform and y.table_name = u.table_name and y.dt = u.dt
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
