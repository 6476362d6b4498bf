-- How many rounds were answered within half a minute after the time was over?
-- 有多少轮次只超时了不到30秒？

select
    platform,
    shop_id,
    count(*) filter (where response_seconds > 180 and response_seconds <= 210) as just_too_late,
    count(*) as counted_rounds,
    count(*) filter (where is_on_time) / count(*) as share_on_time,
    count(*) filter (where response_seconds <= 210) / count(*) as share_within_210_seconds
from marts.rounds
where is_counted and platform <> 'xiaohongshu'
group by platform, shop_id
order by just_too_late desc, platform asc, shop_id asc
