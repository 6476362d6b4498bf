-- The periods in which a rule parameter has another value than the last published build was computed with, and those whose rule
-- version is called otherwise (parameter rule_version): rounds hold the name. One row per scope, parameter and period.
with parameters as (
    select 'now' as made, scope, parameter, value, valid_from, valid_to from {{ ref('rule_parameters') }}
    union all
    select 'built' as made, scope, parameter, value, valid_from, valid_to from {{ source('build', 'built_rule_parameters') }}
),

dated as (
    select
        made,
        scope,
        parameter,
        value,
        coalesce(valid_from, '0001-01-01'::date) as valid_from,
        coalesce(valid_to, '9999-12-30'::date) as valid_to
    from parameters
),

changes as (
    select made, scope, valid_from as changes_on from dated
    union
    select made, scope, valid_to + 1 from dated where valid_to < '9999-12-30'::date
),

named as ( -- as rule_versions calls them
    select
        made,
        scope,
        'rule_version' as parameter,
        changes_on::string as value,
        changes_on as valid_from,
        coalesce(lead(changes_on) over (partition by made, scope order by changes_on) - 1, '9999-12-30'::date) as valid_to
    from changes
),

versions as (
    select * from dated
    union all
    select * from named
),

boundaries as (
    select scope, parameter, valid_from as starts_on from versions
    union
    select scope, parameter, valid_to + 1 from versions
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
        max(v.value) filter (where v.made = 'now') as value_now,
        max(v.value) filter (where v.made = 'built') as value_built
    from periods p
    join versions v on p.scope = v.scope and p.parameter = v.parameter and p.valid_from between v.valid_from and v.valid_to
    group by p.scope, p.parameter, p.valid_from, p.valid_to
)

select scope, parameter, valid_from, valid_to
from compared
where value_now is distinct from value_built
