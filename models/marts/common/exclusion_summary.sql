-- Each round, and each session of Xiaohongshu, once, under its first reason.
with rounds as (
    select 'taobao' as platform, shop_id, business_date, exclusion_reasons from {{ ref('taobao_rounds') }}
    union all
    select 'kuaishou' as platform, shop_id, business_date, exclusion_reasons from {{ ref('kuaishou_rounds') }}
    union all
    -- A session that counts can have remarks.
    select 'xiaohongshu', shop_id, business_date, case when not is_counted then exclusion_reasons end
    from {{ ref('xiaohongshu_sessions') }}
)

select
    platform,
    shop_id,
    business_date,
    coalesce(exclusion_reasons[1], 'counted') as reason,
    count(*) as rounds
from rounds
group by all
