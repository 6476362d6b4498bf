-- The periods for which a rule parameter differs from what the last published build was computed with.
with parameters as (
    select scope, parameter, value, valid_from, valid_to from {{ ref('rule_parameters') }}
),

built as (
    select scope, parameter, value, valid_from, valid_to from {{ source('build', 'built_rule_parameters') }}
),

changed as (
    (select * from parameters except select * from built)
    union all
    (select * from built except select * from parameters)
)

select distinct
    scope,
    coalesce(valid_from, '0001-01-01'::date) as valid_from,
    coalesce(valid_to, '9999-12-31'::date) as valid_to
from changed
