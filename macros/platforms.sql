{# One relation from a model that every platform has: the columns of int_<platform>__<name>, with the platform in front. #}
{% macro of_platforms(name, columns) %}
{%- for platform in var('platforms') %}
select '{{ platform }}' as platform, {{ columns | join(', ') }} from {{ ref('int_' ~ platform ~ '__' ~ name) }}
{{- ' union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# The platform whose folder a model stands in; nothing for what is common to all. `node`: a model as dbt's graph has it. #}
{% macro platform_of(node) -%}
    {%- for platform in var('platforms') if platform in node.fqn %}{{ platform }}{% endfor -%}
{%- endmacro %}
