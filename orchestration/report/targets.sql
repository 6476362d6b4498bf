-- The last assessed target of each shop and metric, of periods that began by a date.
create macro targets(until_date) as table
select platform, metric, shop_id, max_by(target, period_end) as target
from marts.service_metrics
where is_assessment_period and subject = 'shop' and period_start <= until_date
group by platform, metric, shop_id
