-- Assessed periods
select
    o.platform,
    coalesce(s.shop_name, o.shop_id) as shop,
    m.title_{language} as metric,
    o.period_start,
    o.period_end,
    o.value,
    o.unit,
    o.target,
    o.status,
    o.days_left,
    o.expected_denominator as expected,
    o.needed_numerator as needed,
    o.allowed_numerator as allowed
from marts.metric_outlook o
join marts.metrics m on o.platform = m.platform and o.metric = m.metric
left join marts.shops s on o.platform = s.platform and o.shop_id = s.shop_id
order by o.platform, shop, metric, o.period_end
