-- A platform whose newest event of the tables that come every day is older than the newest date asked for: that date is computed
-- without it. Without a range that is the newest date of this build, of any platform, on which anything happened at all (what
-- falls due after the last event touches dates, too).
-- To do: look whether the export of that platform still runs.
{{ config(severity='warn', meta={'date': 'newest_date', 'dagster': {'ref': {'name': 'data_freshness'}}}) }}

with newest as (
    select
        f.platform,
        max_by(f.table_name, f.last_event_at) as table_name,
        max(f.last_dt) as dt,
        max(f.last_event_at) as last_event_at
    from {{ ref('data_freshness') }} f
    join {{ source('raw', 'daily_tables') }} t on f.platform = t.platform and f.table_name = t.table_name
    group by f.platform
),

asked_for as (
    select
        coalesce(
            (select last_date from {{ source('build', 'request') }}),
            least(
                (select max(business_date) from {{ ref('build_dates') }}),
                (select max(last_event_at)::date from newest)
            )
        ) as newest_date
)

select n.platform, n.table_name, n.dt, n.last_event_at, a.newest_date
from newest n
cross join asked_for a
where coalesce(n.last_event_at < a.newest_date, true)
