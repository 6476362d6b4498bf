-- depends_on: {{ ref('build_dates') }}
select
    prompt_id,
    shop_id,
    buyer_id,
    account_id,
    trigger,
    triggered_at,
    business_date,
    exposed_at,
    clicked_at,
    is_exposed_in_time,
    is_clicked_in_time
from {{ ref('int_taobao__rejection_prompts') }}
