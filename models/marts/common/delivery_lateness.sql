select
    platform,
    table_name,
    days_late,
    row_count,
    landed_share
from {{ ref('int_delivery_lateness') }}
