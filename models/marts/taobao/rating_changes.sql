-- T-33: who changed a rating and how. What has no effect leaves standing what the next change is told against.
-- depends_on: {{ ref('build_dates') }}
with submissions as (select * from {{ ref('int_taobao__rating_submissions') }})

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
from submissions
where change_number > 0
