select
    platform,
    shop_id,
    marketplace,
    shop_name
from {{ ref('int_shops') }}
