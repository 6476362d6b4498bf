{#
    From when on a model has to read items: what is older is passed over in the files of the warehouse. Its pre_hook finds out when
    that is; a model that no hook has run for (a unit test) reads every item. Where the engine has no such thing every item is read,
    and the joins with the dates being built leave out the rest (macros/duckdb, macros/spark).
#}
{% macro since_first_item(item_at) -%} {{ adapter.dispatch('since_first_item')(item_at) }} {%- endmacro %}

{# The first item that a touched span of time holds; all of them where one has no beginning. #}
{% macro set_first_touched_item() -%} {{ adapter.dispatch('set_first_touched_item')() }} {%- endmacro %}

{#
    The first item of the dates being built, of a platform's model those of its platform, or of so long before. before: days, or SQL for
    an interval.
#}
{% macro set_first_built_item(before=0) -%} {{ adapter.dispatch('set_first_built_item')(before) }} {%- endmacro %}

{# W-02: for so many days who took a conversation has it. #}
{% macro holder_lookback_days() %}3{% endmacro %}

{# The first item that a round of the dates being built sees. #}
{% macro set_first_read_item() %}
{{- set_first_built_item(before='(select 2 * max(routing_lookback) from ' ~ ref('round_rules') ~ ')') }}
{%- endmacro %}
