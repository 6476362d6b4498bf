select
    shop_id,
    month,
    limit_kind,
    starts_on,
    ends_on,
    exposures,
    click_rate
from {{ ref('int_taobao__message_limits') }}
