-- The published figures with the days they are of, as the seed metric_periods has them, and what is computed of those. One row
-- per published figure whose period the platform's metrics have.
{{ config(materialized='view') }}

select
    r.platform,
    r.metric,
    r.subject,
    r.shop_id,
    r.account_id,
    r.period,
    case p.kind
        when 'day' then r.period_end
        when 'week' then r.period_end - 6
        when 'calendar_month' then date_trunc('month', r.period_end)::date
        else r.period_end - (p.days - 1)
    end as period_start,
    r.period_end,
    coalesce(r.computed_numerator, 0) as numerator,
    coalesce(r.computed_denominator, 0) as denominator
from {{ ref('int_reconciliation') }} r
join {{ ref('metric_periods') }} p on r.platform = p.platform and r.period = p.period
