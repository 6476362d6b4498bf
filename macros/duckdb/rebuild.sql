{# The incremental strategies of macros/rebuilt.sql on DuckDB: what they say is deleted, what is new is inserted. #}
{% macro get_incremental_rebuild_dates_sql(arg_dict) %}
    {{- delete_and_insert(arg_dict, rebuilt_dates('t', arg_dict.dest_columns | map(attribute='name') | list)) }}
{% endmacro %}

{% macro get_incremental_rebuild_pairs_sql(arg_dict) %}
    {{- delete_and_insert(arg_dict, rebuilt_pairs('t')) }}
{% endmacro %}

{% macro get_incremental_rebuild_periods_sql(arg_dict) %}
    {{- delete_and_insert(arg_dict, rebuilt_periods('t', arg_dict.target_relation)) }}
{% endmacro %}

{% macro delete_and_insert(arg_dict, condition) %}
    delete from {{ arg_dict.target_relation }} as t
    where {{ condition }};
    {{ get_insert_into_sql(arg_dict.target_relation, arg_dict.temp_relation, arg_dict.dest_columns) }}
{% endmacro %}
