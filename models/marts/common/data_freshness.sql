select
    platform,
    table_name,
    last_dt,
    last_event_at,
    row_count,
    rejected_row_count
from {{ ref('int_data_freshness') }}
