-- The periods in which a rule parameter has another value than the last published build was computed with. One row per scope,
-- parameter and period.
with versions as (
    select 'now' as made, scope, parameter, value, valid_from, valid_to from {{ ref('rule_parameters') }}
    union all
    select 'built' as made, scope, parameter, value, valid_from, valid_to from {{ source('build', 'built_rule_parameters') }}
),

dated as (
    select
        * exclude (valid_from, valid_to),
        coalesce(valid_from, '0001-01-01'::date) as valid_from,
        coalesce(valid_to, '9999-12-30'::date) as valid_to
    from versions
),

boundaries as (
    select scope, parameter, valid_from as starts_on from dated
    union
    select scope, parameter, valid_to + 1 from dated
),

periods as ( -- within which neither side changes
    select
        scope,
        parameter,
        starts_on as valid_from,
        lead(starts_on) over (partition by scope, parameter order by starts_on) - 1 as valid_to
    from boundaries
),

compared as (
    select
        p.scope,
        p.parameter,
        p.valid_from,
        p.valid_to,
        max(d.value) filter (where d.made = 'now') as value_now,
        max(d.value) filter (where d.made = 'built') as value_built
    from periods p
    join dated d on p.scope = d.scope and p.parameter = d.parameter and p.valid_from between d.valid_from and d.valid_to
    group by p.scope, p.parameter, p.valid_from, p.valid_to
)

select scope, parameter, valid_from, valid_to
from compared
where value_now is distinct from value_built
