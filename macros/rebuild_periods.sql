{#
    Incremental strategy `rebuild_periods`: the periods that hold a date on which metrics changed (int_changed_metric_days) are deleted
    from the target and written anew, also where nothing is left of them. The model has columns platform, period_start, period_end and
    gives only such periods. It says `-- depends_on: int_changed_metric_days` as a ref.
#}
{% macro get_incremental_rebuild_periods_sql(arg_dict) %}
    delete from {{ arg_dict.target_relation }}
    where (platform, period_start, period_end) in (
        {{ changed_periods(arg_dict.target_relation) }}
    );
    {{ get_insert_into_sql(arg_dict.target_relation, arg_dict.temp_relation, arg_dict.dest_columns) }}
{% endmacro %}

{# A query for the platform, period_start and period_end of the periods of a relation that hold such a date. #}
{% macro changed_periods(relation) -%}
        select p.platform, p.period_start, p.period_end
        from (select distinct platform, period_start, period_end from {{ relation }}) p
        semi join {{ ref('int_changed_metric_days') }} c
            on p.platform = c.platform and c.business_date between p.period_start and p.period_end
{%- endmacro %}

{# No period, and no month in which one of 30 days ends before the month does, has more days. #}
{% macro longest_period_days() %}62{% endmacro %}
