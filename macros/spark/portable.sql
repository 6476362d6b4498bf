{# What macros/portable.sql says on Spark. #}

{% macro spark__seconds_between(from_time, to_time) -%}
    (timestampdiff(microsecond, {{ from_time }}, {{ to_time }})::decimal(18, 0) * 0.000001)::decimal(18, 6)
{%- endmacro %}

{% macro spark__days_between(from_date, to_date) -%} datediff({{ to_date }}, {{ from_date }}) {%- endmacro %}

{# A sequence that ends before it begins would run backwards. #}
{% macro spark__each_date(first, last) -%}
    explode(case when {{ first }} <= {{ last }} then sequence({{ first }}, {{ last }}, interval 1 day) end)
{%- endmacro %}

{% macro spark__each_minute(first, last) -%}
    explode(case when {{ first }} <= {{ last }} then sequence({{ first }}, {{ last }}, interval 1 minute) end)
{%- endmacro %}

{% macro spark__each_of(list) -%} explode({{ list }}) {%- endmacro %}

{# Not in unit tests, whose mocks Spark 4 cannot tell apart then: it fails in DeduplicateRelations. #}
{% macro spark__worked_out_once() -%} {{ 'true' if model.resource_type == 'unit_test' else 'rand() >= 0' }} {%- endmacro %}

{% macro spark__latest_before(expression, window) -%} lag({{ expression }}) ignore nulls over {{ window }} {%- endmacro %}

{% macro spark__next_after(expression, window) -%} lead({{ expression }}) ignore nulls over {{ window }} {%- endmacro %}

{% macro spark__struct_of(fields) -%}
    named_struct(
    {%- for field, expression in fields.items() -%}'{{ field }}', {{ expression }}{{ ', ' if not loop.last }}{%- endfor -%}
    )
{%- endmacro %}

{% macro spark__all_but_word() -%} except {%- endmacro %}

{# xxhash64 passes over what is null, so that where it stands has to tell. #}
{% macro spark__hash_of(expressions) -%}
    xxhash64({% for each in expressions %}{{ each }}, {{ each }} is null{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro spark__sum_of_hashes(expressions) -%}
    sum({{ hash_of(expressions) }}::decimal(28, 0))::decimal(38, 0)
{%- endmacro %}

{% macro spark__list_of(expressions) -%} array({{ expressions | join(', ') }}) {%- endmacro %}

{% macro spark__empty_list() -%} cast(array() as array<string>) {%- endmacro %}

{% macro spark__first_of(list) -%} get({{ list }}, 0) {%- endmacro %}

{% macro spark__length_of(list) -%} cardinality({{ list }}) {%- endmacro %}

{% macro spark__items_where(list, condition) -%} filter({{ list }}, item -> {{ condition }}) {%- endmacro %}

{% macro spark__joined(list, between) -%} array_join({{ list }}, '{{ between }}') {%- endmacro %}

{% macro spark__ordered_list(expression, order_by) -%}
    transform(
        array_sort(collect_list(named_struct('position', {{ order_by }}, 'value', {{ expression }}))), one -> one.value
    )
{%- endmacro %}

{% macro spark__distinct_list(expression) -%} array_sort(collect_set({{ expression }})) {%- endmacro %}

{% macro spark__time_of_day(text) -%} cast({{ text }} as interval hour to minute) {%- endmacro %}

{% macro spark__hour_minute(interval) -%}
    substring(cast({{ interval }} as interval hour to minute)::string, 11, 5)
{%- endmacro %}
