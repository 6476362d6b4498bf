-- T-59: of the prompts seen in time, those clicked in time. A figure of the shop, which no account has a share in. One row per
-- shop and date. Built whole.
with prompts as (select * from {{ ref('int_taobao__rejection_prompts') }}),

scored as (
    select
        'rejection_click_rate' as metric,
        shop_id,
        null::string as account_id,
        business_date,
        is_clicked_in_time::integer as numerator,
        1 as denominator
    from prompts
    where is_exposed_in_time
)

{{ metric_days('scored') }}
