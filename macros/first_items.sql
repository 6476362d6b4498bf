{#
    From when on a model has to read items, as a variable of the session that its pre_hook sets: a constant skips what is older in the
    files of the warehouse, as a join or a subquery does not. A model that no hook has run for (a unit test) reads every item.
#}
{% macro since_first_item(item_at) -%}
    {{ item_at }} >= coalesce(getvariable('first_item_at'), '0001-01-01'::timestamp)
{%- endmacro %}

{# The first item that a touched span of time holds; all of them where one has no beginning. #}
{% macro set_first_touched_item() %}
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

{#
    The first item of the dates being built, of a platform's model those of its platform, or of so long before. before: days, or SQL for
    an interval.
#}
{% macro set_first_built_item(before=0) %}
{%- set platform = platform_of(model) %}
set variable first_item_at = (
    select coalesce(min(business_date) - {{ before }}, 'infinity')::timestamp
    from {{ ref('build_dates') }}
    {%- if platform %}
    where platform = '{{ platform }}'
    {%- endif %}
)
{% endmacro %}

{# W-02: for so many days who took a conversation has it. #}
{% macro holder_lookback_days() %}3{% endmacro %}

{# The first item that a round of the dates being built sees. #}
{% macro set_first_read_item() %}
{{- set_first_built_item(before='(select 2 * max(routing_lookback) from ' ~ ref('round_rules') ~ ')') }}
{%- endmacro %}
