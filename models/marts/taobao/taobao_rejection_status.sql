select
    shop_id,
    month,
    exposures,
    clicks,
    click_rate,
    band,
    is_assessed
from {{ ref('int_taobao__rejection_status') }}
