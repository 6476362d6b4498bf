-- The prompts that ask buyers whether to refuse further messages. One row per prompt. Built whole: there are few of them. T-56:
-- fired by five messages in a row or by a discouraged one, they count alike.
with prompts as (select * from {{ source('taobao', 'rejection_prompts') }}),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

dated as (select *, triggered_at::date as business_date from prompts)

select
    p.prompt_id,
    p.shop_id,
    p.buyer_id,
    p.account_id,
    p.trigger,
    p.triggered_at,
    p.business_date,
    p.exposed_at,
    p.clicked_at,
    -- T-59: on the day it fired or the next
    coalesce(p.exposed_at::date between p.business_date and p.business_date + u.rejection_click_days, false)
        as is_exposed_in_time,
    coalesce(p.clicked_at::date between p.business_date and p.business_date + u.rejection_click_days, false)
        as is_clicked_in_time
from dated p
join rules u on p.shop_id = u.shop_id and p.business_date between u.valid_from and u.valid_to
