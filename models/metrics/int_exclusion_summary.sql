-- How many rounds, of Xiaohongshu sessions, count, and for which first reason others do not. One row per platform, shop, date and
-- reason.
select
    platform,
    shop_id,
    business_date,
    coalesce(first_reason, 'counted') as reason,
    count(*) as rounds
from {{ ref('int_all_rounds') }}
group by all
