{# Distinct (shop_id) or (shop_id, account_id) of some landed tables. columns: {table: the columns' names there}. #}
{% macro seen(platform, columns) -%}
    {%- for table, names in columns.items() %}
    select {{ names }} from {{ source(platform, table) }}
    {{- ' union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
