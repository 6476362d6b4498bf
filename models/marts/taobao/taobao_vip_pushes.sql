-- depends_on: {{ ref('build_dates') }}
select
    message_id,
    shop_id,
    buyer_id,
    sent_at,
    is_within_limit
from {{ ref('int_taobao__vip_pushes') }}
