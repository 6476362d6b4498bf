{#
    Incremental strategy `rebuild_dates`: the dates of this build (build_dates) are deleted from the target and written anew,
    also where nothing is left of them. Every model that uses it reads only those dates, on its first run too.
    Config: meta.platform names whose dates; the model has a column business_date, and says `-- depends_on: build_dates` as a ref
    where it does not read it.
#}
{% macro get_incremental_rebuild_dates_sql(arg_dict) %}
    delete from {{ arg_dict.target_relation }}
    where business_date in (
        select business_date from {{ ref('build_dates') }} where platform = '{{ config.get("meta").platform }}'
    );
    {{ get_insert_into_sql(arg_dict.target_relation, arg_dict.temp_relation, arg_dict.dest_columns) }}
{% endmacro %}
