-- What is left to do so that each target of the running period is met?
-- 本考核周期还差多少才能达标？

select
    o.platform, o.shop_id, m.title_en, m.title_zh, o.period_end, o.value, o.target, o.status, o.days_left, o.needed_numerator
from marts.metric_outlook o
join marts.metrics m on o.platform = m.platform and o.metric = m.metric
where o.status in ('at_risk', 'lost', 'missed')
order by o.platform, o.shop_id, m.title_en, o.period_end
