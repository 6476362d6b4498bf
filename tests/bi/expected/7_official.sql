-- agreement
select platform(platform) as platform, title(platform, metric) as metric, count(*) as official_figures, count_if(status = 'match') as matching,
    count_if(status = 'differs') as differing, count_if(status = 'missing_computed') as missing_here
from marts.reconciliation group by platform, metric;
-- differences
select platform(platform) as platform, shop(platform, shop_id) as shop, who(platform, shop_id, account_id) as account, title(platform, metric) as metric,
    zh(period) as period, period_end, shown(official_value, unit(platform, metric)) as official, shown(computed_value, unit(platform, metric)) as computed,
    shown(difference, unit(platform, metric)) as difference, zh(status) as status
from marts.reconciliation where status <> 'match';
-- explanations
select platform(r.platform) as platform, shop(r.platform, r.shop_id) as shop, who(r.platform, r.shop_id, r.account_id) as account,
    title(r.platform, r.metric) as metric, r.period_end, coalesce(e.text_zh, zh(r.reason)) as reason, e.clause_id as clause, r.items,
    shown(o.official_value, unit(r.platform, r.metric)) as official, shown(o.computed_value, unit(r.platform, r.metric)) as computed,
    shown(r.value_if, unit(r.platform, r.metric)) as value_if, r.example_id
from marts.reconciliation o
join marts.reconciliation_reasons r
    on (o.platform, o.metric, o.subject, o.shop_id, coalesce(o.account_id, ''), o.period, o.period_end)
    = (r.platform, r.metric, r.subject, r.shop_id, coalesce(r.account_id, ''), r.period, r.period_end)
left join marts.exclusion_reasons e on r.platform = e.platform and r.reason = e.reason
where o.status = 'differs';
