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

{#
    Every row of a seed is one that can be meant; what is wrong with it stands before it. One query a seed, for all its columns.

    required: columns that are never empty. keys: lists of columns whose values occur once. accepted: {column: values}.
    references: {column: seed or model that has every value in a column of the same name}. conditions: {what is wrong: SQL that holds}.
#}
{% test fits(model, required=[], keys=[], accepted={}, references={}, conditions={}) %}
with checked as (select * from {{ model }}),

problems as (
    select null::varchar as problem, * from checked where false
    {%- for column in required %}
    union all
    select '{{ column }} is empty', * from checked where {{ column }} is null
    {%- endfor %}
    {%- for key in keys %}
    union all
    select '{{ key | join(', ') }} stand twice', * from checked
    qualify count(*) over (partition by {{ key | join(', ') }}) > 1
    {%- endfor %}
    {%- for column, values in accepted.items() %}
    union all
    select '{{ column }} is none of {{ values | join(', ') }}', * from checked where {{ column }} not in ('{{ values | join("', '") }}')
    {%- endfor %}
    {%- for column, other in references.items() %}
    union all
    select '{{ column }} is not in {{ other }}', * from checked where {{ column }} not in (select {{ column }} from {{ ref(other) }})
    {%- endfor %}
    {%- for problem, condition in conditions.items() %}
    union all
    select '{{ problem }}', * from checked where not ({{ condition }})
    {%- endfor %}
)

select * from problems
{% endtest %}
