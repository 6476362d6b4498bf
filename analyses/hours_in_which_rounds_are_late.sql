-- At which hours are rounds late?
-- 哪些时段容易超时？

select
    platform,
    hour(clock_started_at) as hour_of_day,
    count(*) as counted_rounds,
    count(*) filter (where not is_on_time) / count(*) as share_late
from marts.rounds
where is_counted
group by platform, hour_of_day
order by platform, hour_of_day
