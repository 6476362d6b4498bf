-- Official against ours
select
    r.platform,
    coalesce(s.shop_name, r.shop_id) as shop,
    m.title_{language} as metric,
    r.period_end,
    r.official_value as official,
    r.computed_value as computed,
    m.unit,
    r.difference,
    r.status
from marts.reconciliation r
join marts.metrics m on r.platform = m.platform and r.metric = m.metric
left join marts.shops s on r.platform = s.platform and r.shop_id = s.shop_id
where r.subject = 'shop' and r.period_end between $since and $until
order by r.status = 'match', r.platform, shop, metric, r.period_end
limit 200
