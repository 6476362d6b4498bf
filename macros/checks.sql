{#
    Rows of marts whose key another row has too, each with its mart, its key and its dates: one query for all marts of a
    platform, and one for those by month, which Dagster has apart.
    keys: {mart: the columns of its key}; in Dagster the check stands at the first mart.

    It looks at what was built: a bad row of yesterday does not fail the run of tomorrow. A mart says in meta which dates a row belongs
    to: `date`, an SQL expression, and `first_date` where a row is of a period; or `built`, a condition. Its platform is that of its
    folder, or of the column. Of a mart that says nothing, and of a build of everything, every row is looked at.
    No ref tells dbt of build_dates here: a dated mart that is not made from it says `-- depends_on: build_dates` as a ref.
#}
{% macro repeated_keys(keys) %}
{{- config(meta={'first_date': 'first_of_row', 'date': 'last_of_row', 'dagster': {'ref': {'name': keys | first}}}) -}}
{%- set columns = keys.values() | sum(start=[]) | unique | list %}
select mart, {{ columns | join(', ') }}, first_of_row, last_of_row from (
    {%- for mart, key in keys.items() %}
    {%- set node = graph.nodes['model.kefu.' ~ mart] if execute else {'config': {'meta': {}}, 'fqn': []} %}
    {%- set meta, platform = node.config.meta, platform_of(node) %}
    {%- set of_platform = "'" ~ platform ~ "'" if platform else 'platform' %}
    {%- set first_date, last_date = meta.get('first_date', meta.get('date', 'null::date')), meta.get('date', 'null::date') %}
(
    with built as (
        select
            '{{ mart }}' as mart, {{ key | join(', ') }}, {{ first_date }} as first_of_row, {{ last_date }} as last_of_row,
            {{ hash_of(key) }} as key_hash
        from {{ ref(mart) }}
        {%- if meta.get('built') %}
        where (select everything from build.request) or {{ meta.built }}
        {%- elif meta.get('date') %}
        where
            (select everything from build.request)
            -- Millions of rows are of a few periods: these are compared with the dates, and rows with them.
            or ({{ of_platform }}, {{ first_date }}, {{ last_date }}) in (
                select of_platform, first_of_period, last_of_period
                from (
                    select distinct {{ of_platform }} as of_platform, {{ first_date }} as first_of_period, {{ last_date }} as last_of_period
                    from {{ ref(mart) }}
                )
                where exists (
                    select 1 from build.build_dates b
                    where b.platform = of_platform and b.business_date between first_of_period and last_of_period
                )
            )
        {%- endif %}
    )

    select
        mart,
        {%- for column in columns %}
        {{ column if column in key else 'null as ' ~ column }},
        {%- endfor %}
        first_of_row,
        last_of_row
    from built
    -- A third of the time: few have a hash that another has, too.
    where key_hash in (select key_hash from built group by key_hash having count(*) > 1)
    qualify count(*) over (partition by {{ key | join(', ') }}) > 1
)
        {%- if not loop.last %}
union all
        {%- endif %}
    {%- endfor %}
)
{% endmacro %}

{#
    Every row of a seed is one that can be meant; what is wrong with it stands before it. One query a seed, for all its columns.

    required: columns that are never empty. keys: lists of columns whose values occur once. accepted: {column: values}.
    references: {column: seed or model that has every value in a column of the same name}. conditions: {what is wrong: SQL that holds}.
#}
{% test fits(model, required=[], keys=[], accepted={}, references={}, conditions={}) %}
with checked as (select * from {{ model }}),

problems as (
    select null::string as problem, * from checked where false
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
