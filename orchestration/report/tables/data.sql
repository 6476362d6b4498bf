-- Data
select
    platform,
    table_name as delivered_table,
    last_dt as last_delivery,
    last_event_at as last_event,
    row_count as delivered_rows,
    rejected_row_count as rejected_rows
from marts.data_freshness
order by all
