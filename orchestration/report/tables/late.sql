-- The latest rounds that were late or missed
select
    r.platform,
    coalesce(s.shop_name, r.shop_id) as shop,
    coalesce(a.display_name, r.account_id) as account,
    r.clock_started_at as since,
    r.first_reply_at as answered,
    r.response_seconds as seconds,
    r.round_id
from marts.rounds r
left join marts.shops s on r.platform = s.platform and r.shop_id = s.shop_id
left join marts.accounts a on r.platform = a.platform and r.shop_id = a.shop_id and r.account_id = a.account_id
where r.is_counted and not r.is_on_time and r.business_date between $since and $until
order by r.clock_started_at desc, r.round_id
limit 50
