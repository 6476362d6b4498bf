-- Late rounds by hour and weekday
select
    platform,
    isodow(clock_started_at)::integer as weekday,
    hour(clock_started_at)::integer as hour,
    count(*) as counted,
    count(*) filter (where not is_on_time) as late,
    late / counted as share_late
from marts.rounds
where is_counted and clock_started_at is not null and business_date between $since and $until
group by all
order by all
