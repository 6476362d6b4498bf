-- What a metric of a scope is held against, and over which period it is assessed (T-29, K-10): a row per scope, metric and rule
-- version.
with versions as (select * from {{ ref('rule_versions') }}),

metrics as (select distinct metric from {{ ref('metrics') }}),

parameters as (select * from {{ ref('parameter_periods') }}),

named as ( -- the parameters that speak of a metric are named after it
    select metric, metric || '_target' as parameter, 'target' as meaning from metrics
    union all
    select metric, metric || '_min_denominator', 'min_denominator' from metrics
    union all
    select metric, metric || '_month_lag_days', 'month_lag_days' from metrics
    union all
    select metric, metric || '_assessed_period', 'assessed_period' from metrics
)

select
    v.scope,
    n.metric,
    v.rule_version,
    v.valid_from,
    v.valid_to,
    max(case when n.meaning = 'target' then p.value end)::double as target,
    coalesce(max(case when n.meaning = 'min_denominator' then p.value end)::double, 0) as min_denominator,
    max(case when n.meaning = 'assessed_period' then p.value end) as assessed_period, -- null: none is known
    coalesce(max(case when n.meaning = 'month_lag_days' then p.value end)::integer, 0) as month_lag_days
from versions v
cross join named n
left join parameters p
    on v.scope = p.scope and n.parameter = p.parameter and v.valid_from between p.valid_from and p.valid_to
group by all
