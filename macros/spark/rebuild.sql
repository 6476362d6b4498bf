{#
    The incremental strategies of macros/rebuilt.sql on Spark, whose Parquet tables can delete no row: what stays and what is new is
    written aside, and takes the table's name. Who reads meanwhile, or finds what a build left behind that was killed, may find
    nothing: readers are to keep to what is published, and such a build begins anew.
#}
{% macro dbt_spark_validate_get_incremental_strategy(raw_strategy, file_format) %}
    {%- do return(raw_strategy) %}
{% endmacro %}

{% macro dbt_spark_get_incremental_sql(strategy, source, target, existing, unique_key, incremental_predicates) %}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='name') | list %}
    {%- if strategy == 'append' %}
        insert into {{ target }} select {{ columns | join(', ') }} from {{ source }}
    {%- elif strategy == 'rebuild_dates' %}
        {{- write_aside(source, target, columns, rebuilt_dates('t', columns)) }}
    {%- elif strategy == 'rebuild_pairs' %}
        {{- write_aside(source, target, columns, rebuilt_pairs('t')) }}
    {%- elif strategy == 'rebuild_periods' %}
        {{- write_aside(source, target, columns, rebuilt_periods('t', target)) }}
    {%- else %}
        {%- do exceptions.raise_compiler_error('No SQL on Spark for the incremental strategy ' ~ strategy) %}
    {%- endif %}
{% endmacro %}

{% macro write_aside(source, target, columns, condition) %}
    {%- set aside = target.incorporate(path={'identifier': target.identifier ~ '__rebuilt'}) %}
    {%- do run_query('drop table if exists ' ~ aside) %}
    {%- set rows %}
        create table {{ aside }} using parquet as
        select {{ columns | join(', ') }} from {{ target }} t where not coalesce({{ condition }}, false)
        union all
        select {{ columns | join(', ') }} from {{ source }}
    {%- endset %}
    {%- do run_query(rows) %}
    {%- do run_query('drop table ' ~ target) %}
    alter table {{ aside }} rename to {{ target }}
{% endmacro %}
