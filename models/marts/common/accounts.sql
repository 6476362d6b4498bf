select
    platform,
    shop_id,
    account_id,
    account_type,
    display_name,
    is_second_line,
    disabled_at
from {{ ref('int_accounts') }}
