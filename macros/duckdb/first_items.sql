{#
    The first item (macros/first_items.sql) as a variable of the session: a constant skips what is older, as a join or a subquery
    does not.
#}
{% macro default__since_first_item(item_at) -%}
    {{ item_at }} >= coalesce(getvariable('first_item_at'), '0001-01-01'::timestamp)
{%- endmacro %}

{% macro default__set_first_touched_item() %}
set variable first_item_at = (
    select case when bool_or(touched_from is null) then '0001-01-01'::timestamp else coalesce(min(touched_from), 'infinity') end
    from (
        select t.touched_from - r.forward as touched_from
        from ({{ of_platforms('touched', ['business_date', 'touched_from']) }}) t
        cross join (select max(reply_horizon) as forward from {{ ref('round_rules') }}) r
        where t.business_date is null
        union all
        select valid_from from {{ ref('changed_rules') }}
    )
)
{% endmacro %}

{% macro default__set_first_built_item(before) %}
{%- set platform = platform_of(model) %}
set variable first_item_at = (
    select coalesce(min(business_date) - {{ before }}, 'infinity')::timestamp
    from {{ ref('build_dates') }}
    {%- if platform %}
    where platform = '{{ platform }}'
    {%- endif %}
)
{% endmacro %}
