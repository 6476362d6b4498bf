{# What engines write differently, in one place. #}

{# Exact elapsed seconds from one timestamp to another, as DECIMAL(18, 6), so that sums do not depend on their order. #}
{% macro seconds_between(from_time, to_time) -%}
    (date_diff('microsecond', {{ from_time }}, {{ to_time }})::decimal(18, 0) * 0.000001)::decimal(18, 6)
{%- endmacro %}

{# The latest non-null value of `expression` before this row of the named window, or the next one after it. #}
{% macro latest_before(expression, window) -%}
    last_value({{ expression }} ignore nulls) over (
        {{ window }} rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}

{% macro next_after(expression, window) -%}
    first_value({{ expression }} ignore nulls) over (
        {{ window }} rows between 1 following and unbounded following
    )
{%- endmacro %}

{# A struct of named expressions: {name: expression}. #}
{% macro struct_of(fields) -%}
    {% raw %}{{% endraw %}
    {%- for field, expression in fields.items() -%}'{{ field }}': {{ expression }}{{ ', ' if not loop.last }}{%- endfor -%}
    {% raw %}}{% endraw %}
{%- endmacro %}

{# The values of an expression in a group, as a list in the order of another. #}
{% macro ordered_list(expression, order_by) -%}
    {#- Sorted once it is there: a list of each group that is sorted as it grows takes six times as long. -#}
    list_transform(list_sort(list({{ struct_of({'position': order_by, 'value': expression}) }})), lambda one: one.value)
{%- endmacro %}
