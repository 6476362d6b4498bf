-- Day by day
with common as ( -- none where shops have different ones
    select platform, metric, case when min(target) = max(target) then max(target) end as target
    from targets($until)
    group by platform, metric
)

select
    d.platform,
    m.title_{language} as metric,
    d.period_end as day,
    sum(d.numerator) / sum(d.denominator) as value,
    m.unit,
    any_value(t.target) as target,
    sum(d.numerator) as numerator,
    sum(d.denominator) as denominator
from marts.service_metrics d
join marts.metrics m on d.platform = m.platform and d.metric = m.metric
left join common t on d.platform = t.platform and d.metric = t.metric
where d.period = 'day' and d.subject = 'shop' and d.denominator > 0 and d.period_end between $since and $until
group by d.platform, m.title_{language}, m.unit, m.clause_id, d.period_end
order by d.platform, m.clause_id, metric, day
