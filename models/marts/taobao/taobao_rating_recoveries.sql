-- depends_on: {{ ref('build_dates') }}
select
    card_id,
    shop_id,
    buyer_id,
    account_id,
    first_rated_at,
    first_eval_code,
    current_eval_code,
    is_recovered,
    edits_left,
    editable_until,
    is_editable,
    second_line_available
from {{ ref('int_taobao__rating_recoveries') }}
