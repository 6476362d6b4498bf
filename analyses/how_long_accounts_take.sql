-- How long do accounts take to answer: median, nine of ten, all?
-- 各客服的响应时长：中位数、90分位、平均？

select
    platform,
    shop_id,
    account_id,
    count(*) as answered_rounds,
    median(response_seconds::double) as median_seconds,
    quantile_cont(response_seconds::double, 0.9) as p90_seconds,
    avg(response_seconds::double) as mean_seconds
from marts.rounds
where is_counted and response_seconds is not null
group by platform, shop_id, account_id
order by p90_seconds desc, platform asc, shop_id asc, account_id asc
limit 20
