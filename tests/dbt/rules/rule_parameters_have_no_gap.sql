-- A parameter that has a value before and after some days, but none on them; or a value that ends before it begins. A platform
-- may set no target, or assess nothing, for a while: a metric's targets and assessed periods may have gaps.
-- To do: mend the rows in seeds/rule_parameters.csv.
with parameters as (select * from {{ ref('rule_parameters') }}),

versions as (
    select
        scope,
        parameter,
        value,
        coalesce(valid_from, '0001-01-01'::date) as valid_from,
        coalesce(valid_to, '9999-12-31'::date) as valid_to
    from parameters
)

select
    scope,
    parameter,
    value,
    valid_from,
    valid_to,
    max(valid_to) over earlier as earlier_value_in_force_to
from versions
window
    earlier as (
        partition by scope, parameter order by valid_from, valid_to, value rows between unbounded preceding and 1 preceding
    )
qualify
    (
        valid_from > earlier_value_in_force_to + 1
        and right(parameter, 7) <> '_target'
        and right(parameter, 16) <> '_assessed_period'
    )
    or valid_to < valid_from
