-- The metrics' values over every period, held against the target and the minimum sample in force on the period's last day. One
-- row per platform, metric, shop or account, and period.
{{ config(materialized='incremental', incremental_strategy='rebuild_periods') }}
-- depends_on: {{ ref('int_changed_metric_days') }}

with periods as (select * from {{ ref('int_metric_periods') }}),

metrics as (select * from {{ ref('metrics') }}),

rules as (select * from {{ ref('metric_rules') }}),

kinds as (select * from {{ ref('metric_periods') }}),

as_of as (select * from {{ ref('as_of') }}),

valued as (
    select
        p.platform,
        p.metric,
        p.subject,
        p.shop_id,
        p.account_id,
        p.period,
        p.period_start,
        p.period_end,
        p.numerator::double as numerator,
        p.denominator::double as denominator,
        p.numerator::double / p.denominator::double as value,
        r.target,
        p.denominator >= r.min_denominator as is_assessed,
        m.better,
        p.period = r.assessed_period as is_assessment_period, -- T-29, K-10; null where none is known
        r.rule_version,
        case when k.kind in ('calendar_month', 'month_end') then date_trunc('month', p.period_end)::date end as month,
        p.days_with_data,
        p.period_end < a.as_of::date as is_complete
    from periods p
    join as_of a on p.platform = a.platform
    join kinds k on p.platform = k.platform and p.period = k.period
    join metrics m on p.platform = m.platform and p.metric = m.metric
    join rules r on p.scope = r.scope and p.metric = r.metric and p.period_end between r.valid_from and r.valid_to
)

select
    {{ all_but(['better', 'is_assessment_period', 'rule_version', 'month', 'days_with_data', 'is_complete']) }},
    case when is_assessed then case better when 'lower' then value <= target else value >= target end end as is_met,
    is_assessment_period,
    rule_version,
    month,
    days_with_data,
    is_complete
from valued
