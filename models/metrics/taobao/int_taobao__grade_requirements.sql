-- T-71: what the user's thresholds, in force on the last day that is evaluated, ask for in each month a shop is graded in, and
-- what was measured. One row per shop, month, grade and metric.
{{ config(materialized='view') }}

with measures as (select * from {{ ref('int_taobao__grade_measures') }}),

thresholds as (select * from {{ ref('taobao_grade_thresholds') }})

select
    m.shop_id,
    m.month,
    t.grade,
    t.metric,
    t.min_value,
    coalesce(m.numerator >= t.min_value * m.denominator, false) as is_reached
from measures m
join thresholds t
    on
        m.metric = t.metric
        and m.evaluated_to >= coalesce(t.valid_from, '0001-01-01'::date)
        and m.evaluated_to <= coalesce(t.valid_to, '9999-12-31'::date)
