select
    message_id,
    shop_id,
    account_id,
    buyer_id,
    business_date,
    sent_at,
    phrases
from {{ ref('int_taobao__discouraged_messages') }}
