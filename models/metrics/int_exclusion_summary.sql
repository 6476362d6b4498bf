-- How many rounds, of Xiaohongshu sessions, count, and for which first reason others do not. One row per platform, shop, date and
-- reason.
with judged as (
    select platform, shop_id, business_date, is_counted, exclusion_reasons
    from {{ ref('int_judged_rounds') }}
    where platform <> 'xiaohongshu'
    union all
    select 'xiaohongshu', shop_id, business_date, is_counted, exclusion_reasons
    from {{ ref('int_xiaohongshu__judged_sessions') }}
)

select
    platform,
    shop_id,
    business_date,
    case when is_counted then 'counted' else exclusion_reasons[1] end as reason, -- one that counts can have remarks
    count(*) as rounds
from judged
group by all
