-- A metric that a platform's metric days give and the seed metrics lacks: nobody would see a figure of it.
-- To do: add the metric to seeds/metrics.csv.
select distinct d.platform, d.metric
from {{ ref('int_metric_days') }} d
left join {{ ref('metrics') }} m on d.platform = m.platform and d.metric = m.metric
where m.metric is null
