{% materialization table, adapter="duckdb" %}
    {# Makes a table in one statement, in place of what stands under its name. dbt-duckdb makes it aside, looks for foreign keys and
       indexes, renames twice and drops, which makes ten statements of each model; here nobody but the build reads the warehouse meanwhile. #}
    {%- set target = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_table %}{% do adapter.drop_relation(existing) %}{% endif -%}
    {% call statement("main") -%}
        create or replace table {{ target }} as (
            {{ compiled_code }}
        )
    {%- endcall %}
    {% do adapter.commit() %}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
