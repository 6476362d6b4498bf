-- A delivery of the dates of this build of which more than a few rows could not be read: they are missing from the figures.
-- raw.rejected_rows tells which rows, and why.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'delivery_status'}}}) }}

select s.platform, s.table_name, s.dt, s.row_count, s.rejected_row_count, s.rejected_share
from {{ ref('delivery_status') }} s
join {{ ref('build_dates') }} b on s.platform = b.platform and s.dt = b.business_date
where s.rejected_share > {{ var('rejected_rows_max_share') }}
