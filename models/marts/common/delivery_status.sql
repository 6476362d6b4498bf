select
    platform,
    table_name,
    dt,
    is_delivered,
    row_count,
    rejected_row_count,
    rejected_share,
    usual_row_count,
    volume_ratio
from {{ ref('int_delivery_status') }}
