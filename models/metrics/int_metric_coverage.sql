-- What each metric is computed from, and whether any row of it ever landed. One row per platform, metric and raw table.
with tables as (select * from {{ ref('metric_tables') }}),

freshness as (select * from {{ ref('int_data_freshness') }})

select
    t.platform,
    t.metric,
    t.table_name,
    t.is_required,
    coalesce(f.row_count > 0, false) as is_delivered,
    t.effect_en,
    t.effect_zh
from tables t
left join freshness f on t.platform = f.platform and t.table_name = f.table_name
