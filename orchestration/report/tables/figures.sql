-- Figures and targets
with days as (
    select *
    from marts.service_metrics
    where period = 'day' and subject = 'shop' and period_end between $since and $until
),

summed as (
    select platform, metric, shop_id, sum(numerator) as numerator, sum(denominator) as denominator
    from days
    group by platform, metric, shop_id
)

select
    d.platform,
    coalesce(s.shop_name, d.shop_id) as shop,
    m.title_{language} as metric,
    d.numerator / d.denominator as value,
    m.unit,
    a.target,
    case
        when a.target is not null
            then case when m.better = 'higher' then value >= a.target else value <= a.target end
    end as is_met,
    d.numerator,
    d.denominator,
    m.clause_id as clause
from summed d
join marts.metrics m on d.platform = m.platform and d.metric = m.metric
left join targets($until) a on d.platform = a.platform and d.metric = a.metric and d.shop_id = a.shop_id
left join marts.shops s on d.platform = s.platform and d.shop_id = s.shop_id
where d.denominator > 0
order by d.platform, shop, m.clause_id, metric
