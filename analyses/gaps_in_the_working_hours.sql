-- In which hours did users of Xiaohongshu meet nobody?
-- 小红书哪些时段出现轮空？

select shop_id, hour, count(*) filter (where is_gap) as days_with_gap, count(*) as days, sum(entered_sessions) as entered_sessions
from marts.xiaohongshu_coverage
group by shop_id, hour
having days_with_gap > 0
order by days_with_gap desc, shop_id asc, hour asc
limit 20
