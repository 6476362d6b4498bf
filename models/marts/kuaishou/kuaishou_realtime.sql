select
    shop_id,
    as_of,
    consulted_users,
    unanswered_users,
    value
from {{ ref('int_kuaishou__realtime') }}
