-- What could explain why a computed figure is not the published one: how many items each reason concerns, and the value if the
-- platform saw them otherwise. One row per published figure and reason.
with periods as (select * from {{ ref('int_reconciled_periods') }}),

days as (select * from {{ ref('int_reconciliation_days') }})

select
    p.platform,
    p.metric,
    p.subject,
    p.shop_id,
    p.account_id,
    p.period,
    p.period_end,
    d.reason,
    sum(d.items)::bigint as items,
    (any_value(p.numerator)::decimal(18, 6) + sum(d.numerator_change))::double
    / nullif((any_value(p.denominator)::decimal(18, 6) + sum(d.denominator_change))::double, 0) as value_if,
    min(d.example_id) as example_id
from periods p
join days d
    on
        p.platform = d.platform
        and p.metric = d.metric
        and p.shop_id = d.shop_id
        and p.account_id is not distinct from d.account_id
        and d.business_date between p.period_start and p.period_end
group by all
