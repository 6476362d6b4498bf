-- A new delivery of which more than a few rows could not be read: they are missing from the figures. kefu rejected tells
-- which rows, and why. To do: have the delivery corrected.
{{ config(severity='warn', meta={'date': 'dt', 'dagster': {'ref': {'name': 'delivery_status'}}}) }}

select s.platform, s.table_name, s.dt, s.row_count, s.rejected_row_count, s.rejected_share
from {{ ref('delivery_status') }} s
join {{ ref('new_deliveries') }} n on s.platform = n.platform and s.table_name = n.table_name and s.dt = n.dt
where s.rejected_share > {{ var('rejected_rows_max_share') }}
