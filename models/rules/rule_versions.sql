-- The periods in which no parameter of a scope changes. A day is always computed with the rules in force on that day. One
-- row per scope and period.
with parameters as (select * from {{ ref('parameter_periods') }}),

changes as (
    select scope, valid_from as changes_on from parameters
    union
    select scope, valid_to + 1 from parameters where valid_to < '9999-12-31'::date
)

select
    scope,
    scope || case when changes_on = '0001-01-01'::date then '' else '@' || changes_on end as rule_version,
    changes_on as valid_from,
    coalesce(lead(changes_on) over (partition by scope order by changes_on) - 1, '9999-12-31'::date) as valid_to
from changes
