{#
    What data tests look at: the rows of the dates being built, so that a bad row of yesterday does not fail the run of tomorrow.

    A mart says in meta which dates a row belongs to: `date`, an SQL expression, and `first_date` where a row is of a period. Its
    platform is that of its folder, or of the column. Of a mart that says nothing, and of a build of everything, every row is looked at.
    dbt reads no ref here: a dated mart that is not made from build_dates says `-- depends_on: build_dates` as a ref.
#}
{% macro default__get_where_subquery(relation) %}
    {%- set own = config.get('where', '') -%}
    {%- set mart = graph.nodes.get(model.attached_node, {}) if execute else {} -%}
    {%- set meta = mart.get('config', {}).get('meta', {}) -%}
    {%- set platform = platform_of(mart) if mart else '' -%}
    {%- if own -%}
        (select * from {{ relation }} where {{ own }}) dbt_subquery
    {%- elif meta.get('date') -%}
        (
            select * from {{ relation }}
            where
                (select everything from build.request)
                or exists (
                    select 1
                    from (select platform as built_platform, business_date as built_date from build.build_dates)
                    where
                        built_platform = {% if platform %}'{{ platform }}'{% else %}platform{% endif %}
                        and built_date between {{ meta.get('first_date', meta.date) }} and {{ meta.date }}
                )
        ) dbt_subquery
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{% endmacro %}

{# The rows themselves rather than the values that occur twice: who reads of a failure sees what it is about. #}
{% macro default__test_unique(model, column_name) %}
    select *
    from {{ model }}
    where {{ column_name }} is not null
    qualify count(*) over (partition by {{ column_name }}) > 1
{% endmacro %}
