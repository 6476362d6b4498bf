{#
    What Spark does otherwise than dbt-spark thinks. Tables are Parquet, without a table format that could delete rows or hold
    constraints: that no key is null is for the data tests to say.
#}
{% macro spark__file_format_clause() -%} using parquet {%- endmacro %}

{% macro spark__persist_constraints(relation, model) %}{% endmacro %}

{# A type of contracts and seeds, which name DuckDB's. #}
{% macro spark_type(type) -%}
    {%- if type.endswith('[]') -%} array<{{ spark_type(type[:-2]) }}>
    {%- elif type == 'varchar' -%} string
    {%- else -%} {{ type }}
    {%- endif -%}
{%- endmacro %}

{# What a contract is compared with. #}
{% macro spark__get_empty_schema_sql(columns) %}
    {%- set translated = {} %}
    {%- for name, column in columns.items() %}
        {%- do translated.update({name: dict(column, data_type=spark_type(column.data_type) | trim)}) %}
    {%- endfor %}
    {{- return(default__get_empty_schema_sql(translated)) }}
{% endmacro %}

{% macro spark__create_csv_table(model, agate_table) %}
    {%- set types = model.config.column_types %}
    {%- set sql %}
    create table {{ this.render() }} (
        {%- for column in agate_table.column_names %}
        {{ adapter.quote(column) }} {{ spark_type(types[column]) }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) {{ file_format_clause() }}
    {%- endset %}
    {%- call statement('_') %}{{ sql }}{% endcall %}
    {{- return(sql) }}
{% endmacro %}

{# As texts, their quotes escaped: dbt-spark puts values between quotes as they are. #}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- if not agate_table.rows %}{{ return('') }}{% endif %}
    {%- set types = model.config.column_types %}
    {%- set sql %}
    insert into {{ this.render() }}
    select
        {%- for column in agate_table.column_names %}
        cast({{ adapter.quote(column) }} as {{ spark_type(types[column]) }}){{ ',' if not loop.last }}
        {%- endfor %}
    from values
        {%- for row in agate_table.rows %}
        (
            {%- for value in row -%}
            {%- if value is none %}null{% else %}'{{ value | string | replace('\\', '\\\\') | replace("'", "\\'") }}'{% endif %}
            {{- ', ' if not loop.last }}
            {%- endfor -%}
        ){{ ',' if not loop.last }}
        {%- endfor %}
        as loaded({% for column in agate_table.column_names %}{{ adapter.quote(column) }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endset %}
    {%- do adapter.add_query(sql, abridge_sql_log=True) %}
    {{- return(sql) }}
{% endmacro %}

{# What fixtures of unit tests write of an interval, '3 days' or '08:00:00', and of a list, ['a', 'b']. #}
{% macro spark__safe_cast(field, type) %}
    {%- if type.startswith('interval') and ':' in field -%}
        cast(interval {{ field }} hour to second as {{ type }})
    {%- elif type.startswith('interval') and field is string and field.startswith("'") -%}
        cast(interval {{ field }} as {{ type }})
    {%- elif type.startswith('array') and field is not string -%}
        cast(array({% for item in field %}'{{ item }}'{{ ', ' if not loop.last }}{% endfor %}) as {{ type }})
    {%- else -%}
        cast({{ field }} as {{ type }})
    {%- endif -%}
{% endmacro %}
