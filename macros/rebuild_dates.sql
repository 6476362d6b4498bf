{#
    Incremental strategy `rebuild_dates`: the dates of this build (build_dates) are deleted from the target and written anew,
    also where nothing is left of them. Every model that uses it reads only those dates, on its first run too.
    The model has a column business_date, and platform unless it stands in a platform's folder: without either the build fails. One that does not read
    build_dates says `-- depends_on: build_dates` as a ref.
#}
{% macro get_incremental_rebuild_dates_sql(arg_dict) %}
    {%- set platform = platform_of(model) %}
    {%- if not platform and 'platform' not in arg_dict.dest_columns | map(attribute='name') %}
        {{ exceptions.raise_compiler_error(
            'rebuild_dates: ' ~ model.name ~ ' has no column platform and stands in no platform\'s folder, so that nobody can say '
            ~ 'whose dates it holds'
        ) }}
    {%- endif %}
    delete from {{ arg_dict.target_relation }} as t
    where exists (
        select 1 from {{ ref('build_dates') }} b
        where b.platform = {% if platform %}'{{ platform }}'{% else %}t.platform{% endif %} and b.business_date = t.business_date
    );
    {{ get_insert_into_sql(arg_dict.target_relation, arg_dict.temp_relation, arg_dict.dest_columns) }}
{% endmacro %}
