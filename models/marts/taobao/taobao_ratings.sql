select
    card_id,
    shop_id,
    buyer_id,
    account_id,
    trigger,
    sent_at,
    business_date,
    eval_code,
    submissions,
    is_counted,
    is_satisfied,
    is_manual_invite_forbidden,
    exclusion_reasons
from {{ ref('int_taobao__judged_ratings') }}
