-- Which accounts of at least 100 counted rounds answer late most often?
-- 计入轮次不少于100的客服中，谁的超时占比最高？

select
    platform,
    shop_id,
    account_id,
    count(*) as counted_rounds,
    count(*) filter (where not is_on_time) as late_rounds,
    late_rounds / counted_rounds as share_late
from marts.rounds
where is_counted and account_id is not null
group by platform, shop_id, account_id
having counted_rounds >= 100
order by share_late desc, platform asc, shop_id asc, account_id asc
limit 20
