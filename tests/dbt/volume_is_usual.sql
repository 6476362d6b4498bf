-- A new delivery of a table that comes every day, with far fewer or far more rows than is usual on its weekday: a part may be
-- missing, or there twice. What does not come every day has no usual day.
-- To do: ask whether that day was unusual (a sale, a holiday); if not, have it delivered anew.
{{ config(severity='warn', meta={'date': 'dt', 'dagster': {'ref': {'name': 'delivery_status'}}}) }}

select s.platform, s.table_name, s.dt, s.row_count, s.usual_row_count, s.volume_ratio
from {{ ref('delivery_status') }} s
join {{ source('raw', 'daily_tables') }} t on s.platform = t.platform and s.table_name = t.table_name
join {{ ref('new_deliveries') }} n on s.platform = n.platform and s.table_name = n.table_name and s.dt = n.dt
where s.volume_ratio < {{ var('usual_volume_min_ratio') }} or s.volume_ratio > {{ var('usual_volume_max_ratio') }}
