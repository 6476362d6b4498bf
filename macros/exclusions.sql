{#
    The steps of a platform's int_<platform>__exclusions as one relation of judged_kind, judged_id, reason, evidence, is_remark.

    steps: {judged_kind ('round', 'rating', 'session'): [names of steps, each a relation of judged_id, reason, evidence]}.
    remarks: the names of steps that exclude nothing.
#}
{% macro exclusions_of(steps, remarks=[]) %}
{%- for judged_kind, names in steps.items() %}
{%- set is_last_kind = loop.last %}
{%- for name in names %}
select '{{ judged_kind }}' as judged_kind, judged_id, reason, evidence, {{ name in remarks }} as is_remark from {{ name }}
{{- ' union all' if not (loop.last and is_last_kind) }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{# From when to when, in words: 'from 2024-03-04 10:00:00 on', 'from 2024-03-04 10:00:00 to 2024-03-05 10:00:00'. #}
{% macro span_in_words(from_time, to_time) -%}
    'from ' || {{ from_time }} || coalesce(' to ' || {{ to_time }}, ' on')
{%- endmacro %}
