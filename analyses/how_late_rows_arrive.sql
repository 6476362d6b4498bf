-- After how many days is nearly every row there?
-- 数据晚到几天后基本齐全？

select platform, table_name, min(days_late) filter (where landed_share >= 0.999) as days_until_complete
from marts.delivery_lateness
group by platform, table_name
order by days_until_complete desc, platform asc, table_name asc
