-- People
select
    r.platform,
    coalesce(s.shop_name, r.shop_id) as shop,
    coalesce(a.display_name, r.account_id) as account,
    r.account_id,
    count(*) as counted,
    count(*) filter (where not r.is_on_time) as late,
    late / counted as share_late,
    avg(r.response_seconds) as mean_seconds,
    median(r.response_seconds) as median_seconds
from marts.rounds r
left join marts.shops s on r.platform = s.platform and r.shop_id = s.shop_id
left join marts.accounts a on r.platform = a.platform and r.shop_id = a.shop_id and r.account_id = a.account_id
where r.is_counted and r.account_id is not null and r.business_date between $since and $until
group by r.platform, r.shop_id, r.account_id, s.shop_name, a.display_name
order by r.platform, shop, counted desc, account, r.account_id
