-- The sheet of sending (每日发送数据, source 001, 4.1): messages towards the five in a row, streaks that reached them, prompts by the
-- day they fired (T-59). One row per shop or account, and date.
with messages as (select * from {{ ref('int_taobao__sending_messages') }}),

streaks as (select * from {{ ref('int_taobao__streaks') }} where reached_limit_at is not null),

prompts as (select * from {{ ref('int_taobao__rejection_prompts') }}),

happened as (
    select
        shop_id, limit_account_id as account_id, reached_limit_at::date as business_date,
        1 as streaks, 0 as prompts, 0 as exposures, 0 as clicks
    from streaks
    union all
    select
        shop_id, account_id, business_date,
        0, 1, is_exposed_in_time::integer, (is_exposed_in_time and is_clicked_in_time)::integer
    from prompts
),

subjects as (
    select {{ all_but(['account_id']) }}, null as account_id from happened
    union all
    select {{ all_but(['account_id']) }}, account_id from happened where account_id is not null
),

counted as (
    select
        shop_id,
        account_id,
        business_date,
        sum(streaks)::bigint as streaks_reached_limit,
        sum(prompts)::bigint as prompts,
        sum(exposures)::bigint as exposures,
        sum(clicks)::bigint as clicks
    from subjects
    group by shop_id, account_id, business_date
)

select
    coalesce(m.shop_id, c.shop_id) as shop_id,
    coalesce(m.account_id, c.account_id) as account_id,
    coalesce(m.business_date, c.business_date) as business_date,
    coalesce(m.messages, 0) as messages,
    coalesce(m.buyers, 0) as buyers,
    coalesce(c.streaks_reached_limit, 0) as streaks_reached_limit,
    coalesce(c.prompts, 0) as prompts,
    coalesce(c.exposures, 0) as exposures,
    coalesce(c.clicks, 0) as clicks
from messages m
full join counted c
    on m.shop_id = c.shop_id and m.account_id is not distinct from c.account_id and m.business_date = c.business_date
