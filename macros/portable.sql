{# What engines write differently, in one place. Another engine adds <engine>__ versions beside these. #}

{# Exact elapsed seconds from one timestamp to another, as DECIMAL(18, 6), so that sums do not depend on their order. #}
{% macro seconds_between(from_time, to_time) -%}
    {{ return(adapter.dispatch('seconds_between')(from_time, to_time)) }}
{%- endmacro %}

{% macro default__seconds_between(from_time, to_time) -%}
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
    {{ return(adapter.dispatch('struct_of')(fields)) }}
{%- endmacro %}

{% macro default__struct_of(fields) -%}
    {%- set parts = [] -%}
    {%- for name, expression in fields.items() %}{% do parts.append("'" ~ name ~ "': " ~ expression) %}{% endfor -%}
    {{ return('{' ~ parts | join(', ') ~ '}') }}
{%- endmacro %}

{# The values of an expression in a group, as a list in the order of another. #}
{% macro ordered_list(expression, order_by) -%}
    {{ return(adapter.dispatch('ordered_list')(expression, order_by)) }}
{%- endmacro %}

{% macro default__ordered_list(expression, order_by) -%}
    list({{ expression }} order by {{ order_by }})
{%- endmacro %}
