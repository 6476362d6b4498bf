-- depends_on: {{ ref('build_dates') }}
-- T-33: what has no effect leaves standing what the next change is told against.
select
    card_id,
    shop_id,
    account_id,
    buyer_id,
    change_number,
    previous_eval_code as from_value,
    eval_code as to_value,
    submitted_at as changed_at,
    is_effective
from {{ ref('int_taobao__rating_submissions') }}
where change_number > 0
