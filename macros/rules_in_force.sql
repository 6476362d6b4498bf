{#
    Rule parameters side by side: a row per scope and rule version, a column per parameter.

    parameters: {parameter: type}, the types those of the columns ('interval' takes '08:00' and '24:00'). scopes: list of scopes,
    by default all. A parameter that is not in force in a version is null.
#}
{% macro rules_in_force(parameters, scopes=none) %}
select
    v.scope,
    v.rule_version,
    v.valid_from,
    v.valid_to,
    {%- for parameter, type in parameters.items() %}
    {%- set value = "max(case when p.parameter = '" ~ parameter ~ "' then p.value end)" %}
    {{ time_of_day(value) if type == 'interval' else value ~ '::' ~ type }} as {{ parameter }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('rule_versions') }} v
left join {{ ref('parameter_periods') }} p on v.scope = p.scope and v.valid_from between p.valid_from and p.valid_to
{%- if scopes %}
where v.scope in ('{{ scopes | join("', '") }}')
{%- endif %}
group by all
{% endmacro %}
