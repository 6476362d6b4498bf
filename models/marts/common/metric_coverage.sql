select
    platform,
    metric,
    table_name,
    is_required,
    is_delivered,
    effect_en,
    effect_zh
from {{ ref('int_metric_coverage') }}
