{#
    What engines write differently, in one place: DuckDB by default (default__), Spark in macros/spark. Models, checks and all other
    macros hold only what both take, so that one set of them runs on either. What is DuckDB's alone stands here or in macros/duckdb.
    Types are those that both know: string and not varchar, smallint and not utinyint; contracts and seeds say varchar all the same,
    which macros/spark takes for string.
#}

{# Exact elapsed seconds from one timestamp to another, as DECIMAL(18, 6), so that sums do not depend on their order. #}
{% macro seconds_between(from_time, to_time) -%} {{ adapter.dispatch('seconds_between')(from_time, to_time) }} {%- endmacro %}
{% macro default__seconds_between(from_time, to_time) -%}
    (date_diff('microsecond', {{ from_time }}, {{ to_time }})::decimal(18, 0) * 0.000001)::decimal(18, 6)
{%- endmacro %}

{# Days from one date to another, an integer. #}
{% macro days_between(from_date, to_date) -%} {{ adapter.dispatch('days_between')(from_date, to_date) }} {%- endmacro %}
{% macro default__days_between(from_date, to_date) -%} ({{ to_date }} - {{ from_date }}) {%- endmacro %}

{#
    A row for each date, or each whole minute, from one to another, none where there is none; for each item of a list. Each stands
    alone in a select list. Where a list is null or empty there is no row.
#}
{% macro each_date(first, last) -%} {{ adapter.dispatch('each_date')(first, last) }} {%- endmacro %}
{% macro default__each_date(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}, interval 1 day))::date
{%- endmacro %}

{% macro each_minute(first, last) -%} {{ adapter.dispatch('each_minute')(first, last) }} {%- endmacro %}
{% macro default__each_minute(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}, interval 1 minute))
{%- endmacro %}

{% macro each_of(list) -%} {{ adapter.dispatch('each_of')(list) }} {%- endmacro %}
{% macro default__each_of(list) -%} unnest({{ list }}) {%- endmacro %}

{#
    A condition that always holds, for a step that several others read: DuckDB works such a step out once of itself, Spark only where
    it cannot know that it would come to the same each time.
#}
{% macro worked_out_once() -%} {{ adapter.dispatch('worked_out_once')() }} {%- endmacro %}
{% macro default__worked_out_once() -%} true {%- endmacro %}

{# The latest non-null value of `expression` before this row of the named window, or the next one after it. #}
{% macro latest_before(expression, window) -%} {{ adapter.dispatch('latest_before')(expression, window) }} {%- endmacro %}
{% macro default__latest_before(expression, window) -%}
    last_value({{ expression }} ignore nulls) over (
        {{ window }} rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}

{% macro next_after(expression, window) -%} {{ adapter.dispatch('next_after')(expression, window) }} {%- endmacro %}
{% macro default__next_after(expression, window) -%}
    first_value({{ expression }} ignore nulls) over (
        {{ window }} rows between 1 following and unbounded following
    )
{%- endmacro %}

{# A struct of named expressions: {name: expression}. #}
{% macro struct_of(fields) -%} {{ adapter.dispatch('struct_of')(fields) }} {%- endmacro %}
{% macro default__struct_of(fields) -%}
    {% raw %}{{% endraw %}
    {%- for field, expression in fields.items() -%}'{{ field }}': {{ expression }}{{ ', ' if not loop.last }}{%- endfor -%}
    {% raw %}}{% endraw %}
{%- endmacro %}

{# All columns of a relation, of the only one where it is not named, but for some. #}
{% macro all_but(columns, relation=none) -%}
    {{ relation ~ '.' if relation }}* {{ adapter.dispatch('all_but_word')() }} ({{ columns | join(', ') }})
{%- endmacro %}
{% macro default__all_but_word() -%} exclude {%- endmacro %}

{# A number that tells rows of these expressions apart, most times; another one on each engine. #}
{% macro hash_of(expressions) -%} {{ adapter.dispatch('hash_of')(expressions) }} {%- endmacro %}
{% macro default__hash_of(expressions) -%} hash({{ expressions | join(', ') }}) {%- endmacro %}

{# What the hashes of a group add up to, a whole number of up to 38 digits. #}
{% macro sum_of_hashes(expressions) -%} {{ adapter.dispatch('sum_of_hashes')(expressions) }} {%- endmacro %}
{% macro default__sum_of_hashes(expressions) -%} sum({{ hash_of(expressions) }}::hugeint)::hugeint {%- endmacro %}

{# A list of these expressions; of strings, the one without any; its item at a position that begins at 1; how many it has. #}
{% macro list_of(expressions) -%} {{ adapter.dispatch('list_of')(expressions) }} {%- endmacro %}
{% macro default__list_of(expressions) -%} [{{ expressions | join(', ') }}] {%- endmacro %}

{% macro empty_list() -%} {{ adapter.dispatch('empty_list')() }} {%- endmacro %}
{% macro default__empty_list() -%} []::varchar[] {%- endmacro %}

{% macro first_of(list) -%} {{ adapter.dispatch('first_of')(list) }} {%- endmacro %}
{% macro default__first_of(list) -%} {{ list }}[1] {%- endmacro %}

{% macro length_of(list) -%} {{ adapter.dispatch('length_of')(list) }} {%- endmacro %}
{% macro default__length_of(list) -%} len({{ list }}) {%- endmacro %}

{# The items of a list, in its order, of which a condition holds that calls each `item`. #}
{% macro items_where(list, condition) -%} {{ adapter.dispatch('items_where')(list, condition) }} {%- endmacro %}
{% macro default__items_where(list, condition) -%} list_filter({{ list }}, lambda item: {{ condition }}) {%- endmacro %}

{# The strings of a list with something between them. #}
{% macro joined(list, between) -%} {{ adapter.dispatch('joined')(list, between) }} {%- endmacro %}
{% macro default__joined(list, between) -%} array_to_string({{ list }}, '{{ between }}') {%- endmacro %}

{# The values of an expression in a group, as a list in the order of another; each once, in their own order. #}
{% macro ordered_list(expression, order_by) -%} {{ adapter.dispatch('ordered_list')(expression, order_by) }} {%- endmacro %}
{% macro default__ordered_list(expression, order_by) -%}
    {#- Sorted once it is there: a list of each group that is sorted as it grows takes six times as long. -#}
    list_transform(list_sort(list({{ struct_of({'position': order_by, 'value': expression}) }})), lambda one: one.value)
{%- endmacro %}

{% macro distinct_list(expression) -%} {{ adapter.dispatch('distinct_list')(expression) }} {%- endmacro %}
{% macro default__distinct_list(expression) -%} list_sort(list_distinct(list({{ expression }}))) {%- endmacro %}

{# The text of a time of day, 00:00 to 24:00, as the interval from midnight on; and such an interval as HH:MM. #}
{% macro time_of_day(text) -%} {{ adapter.dispatch('time_of_day')(text) }} {%- endmacro %}
{% macro default__time_of_day(text) -%} {{ text }}::interval {%- endmacro %}

{% macro hour_minute(interval) -%} {{ adapter.dispatch('hour_minute')(interval) }} {%- endmacro %}
{% macro default__hour_minute(interval) -%} left({{ interval }}::varchar, 5) {%- endmacro %}
