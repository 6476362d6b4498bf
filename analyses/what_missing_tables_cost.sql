-- Which tables are not delivered, and what do the figures lack without them?
-- 哪些表没有交付，会影响什么？

select platform, table_name, is_required, effect_en, effect_zh, string_agg(metric, ', ' order by metric) as metrics
from marts.metric_coverage
where not is_delivered
group by platform, table_name, is_required, effect_en, effect_zh
order by platform asc, is_required desc, table_name asc
