-- Are weekends and holidays answered as well as working days?
-- 周末和节假日的响应率比工作日低吗？

select
    r.platform,
    d.day_kind,
    count(distinct r.business_date) as days,
    count(*) as counted_rounds,
    count(*) filter (where r.is_on_time) / count(*) as share_on_time
from marts.rounds r
join marts.dates d on r.business_date = d.calendar_date
where r.is_counted
group by r.platform, d.day_kind
order by r.platform, d.day_kind
