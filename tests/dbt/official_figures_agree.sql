-- A figure that the platform published and that is not the computed one, of a new delivery or a rebuilt day.
-- To do: kefu explain PLATFORM/SHOP/PERIOD_END/METRIC says by how many rounds it differs and what could explain it.
{{ config(
    severity='warn',
    meta={'first_date': 'period_end - 31', 'date': 'period_end', 'dagster': {'ref': {'name': 'reconciliation'}}},
) }}

select r.platform, r.metric, r.shop_id, r.account_id, r.period, r.period_end, r.official_value, r.computed_value
from {{ ref('reconciliation') }} r
where
    r.status = 'differs'
    and (
        exists (
            select 1 from {{ ref('new_deliveries') }} n where n.platform = r.platform and n.table_name = 'official_metrics'
        )
        or exists (
            select 1 from {{ ref('build_dates') }} d
            where d.platform = r.platform and d.business_date between r.period_end - 31 and r.period_end
        )
    )
