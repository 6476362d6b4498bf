{#
    The parameters of some scopes side by side: a row per scope and rule version, a column per parameter.

    scopes: list of scopes. parameters: {parameter: type}, the types those of the columns ('interval' takes '08:00' and '24:00').
    A parameter that is not in force in a version is null.
#}
{% macro rules_in_force(scopes, parameters) %}
select
    v.scope,
    v.rule_version,
    v.valid_from,
    v.valid_to,
    {%- for parameter, type in parameters.items() %}
    max(case when p.parameter = '{{ parameter }}' then p.value end)::{{ type }} as {{ parameter }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('rule_versions') }} v
left join {{ ref('rule_parameters') }} p
    on
        v.scope = p.scope
        and v.valid_from between coalesce(p.valid_from, '0001-01-01'::date) and coalesce(p.valid_to, '9999-12-31'::date)
where v.scope in ('{{ scopes | join("', '") }}')
group by all
{% endmacro %}
