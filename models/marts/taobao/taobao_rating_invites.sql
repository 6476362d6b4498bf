select
    shop_id,
    buyer_id,
    account_id,
    trigger_message_id,
    due_at,
    expected,
    card_id
from {{ ref('int_taobao__rating_invites') }}
