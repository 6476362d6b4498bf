-- How do the figures develop week by week?
-- 各项指标每周的走势如何？

select
    platform,
    metric,
    date_trunc('week', period_end)::date as week_from,
    sum(numerator) as numerator,
    sum(denominator) as denominator,
    sum(numerator) / sum(denominator) as value
from marts.service_metrics
where period = 'day' and subject = 'shop'
group by platform, metric, week_from
order by platform, metric, week_from
