{#
    What the incremental strategies rebuild: conditions on a row `t` of the target, which is rewritten by this build, also where
    nothing is left of it. How rows are taken out and put in is the engine's (macros/duckdb, macros/spark).

    `rebuild_dates`: the dates of this build (build_dates). Every model that uses it reads only those dates, on its first run too.
    The model has a column business_date, and platform unless it stands in a platform's folder: without either the build fails. One
    that does not read build_dates says `-- depends_on: build_dates` as a ref. columns: the names of the target's.
#}
{% macro rebuilt_dates(t, columns) -%}
    {%- set platform = platform_of(model) %}
    {%- if not platform and 'platform' not in columns %}
        {{ exceptions.raise_compiler_error(
            'rebuild_dates: ' ~ model.name ~ ' has no column platform and stands in no platform\'s folder, so that nobody can say '
            ~ 'whose dates it holds'
        ) }}
    {%- endif %}
    exists (
        select 1 from {{ ref('build_dates') }} b
        where b.platform = {% if platform %}'{{ platform }}'{% else %}{{ t }}.platform{% endif %} and b.business_date = {{ t }}.business_date
    )
{%- endmacro %}

{#
    `rebuild_pairs`: what a shop and a buyer have that ends at or after the time from which this build rewrites them (build_pairs),
    or has no end yet. The model has columns shop_id, buyer_id, ended_at and gives only such rows.
#}
{% macro rebuilt_pairs(t) -%}
    exists (
        select 1 from {{ ref('build_pairs') }} b
        where {{ t }}.shop_id = b.shop_id and {{ t }}.buyer_id = b.buyer_id and coalesce({{ t }}.ended_at >= b.touched_from, true)
    )
{%- endmacro %}

{#
    `rebuild_periods`: the periods that hold a date on which metrics changed (int_changed_metric_days). The model has columns
    platform, period_start, period_end and gives only such periods. It says `-- depends_on: int_changed_metric_days` as a ref.
#}
{% macro rebuilt_periods(t, relation) -%}
    ({{ t }}.platform, {{ t }}.period_start, {{ t }}.period_end) in (
        {{ changed_periods(relation) }}
    )
{%- endmacro %}

{# A query for the platform, period_start and period_end of the periods of a relation that hold such a date. #}
{% macro changed_periods(relation) -%}
        select p.platform, p.period_start, p.period_end
        from (select distinct platform, period_start, period_end from {{ relation }}) p
        semi join {{ ref('int_changed_metric_days') }} c
            on p.platform = c.platform and c.business_date between p.period_start and p.period_end
{%- endmacro %}

{# No period, and no month in which one of 30 days ends before the month does, has more days. #}
{% macro longest_period_days() %}62{% endmacro %}
