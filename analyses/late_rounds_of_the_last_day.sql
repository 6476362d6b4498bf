-- Which counted rounds of the last day were late or not answered?
-- 最近一天哪些计入的轮次超时或未回复？

with last_day as (select platform, max(business_date) as business_date from marts.rounds group by platform)

select r.platform, r.shop_id, r.account_id, r.round_id, r.clock_started_at, r.response_seconds
from marts.rounds r
join last_day d on r.platform = d.platform and r.business_date = d.business_date
where r.is_counted and not r.is_on_time
order by r.platform asc, r.shop_id asc, r.response_seconds desc nulls first, r.round_id asc
