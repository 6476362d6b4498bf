-- What the threshold of a grade can speak of, as shares, so that it can be told how many are missing. One row per shop, month and
-- metric.
{{ config(materialized='view') }}

with figures as (select * from {{ ref('int_taobao__grade_figures') }}),

measures as (
    select
        shop_id, month, evaluated_to, 'response_rate_3min' as metric, 1 as position,
        responses_in_time as numerator, responses as denominator
    from figures
    union all
    select shop_id, month, evaluated_to, 'satisfaction_rate', 2, ratings_satisfied, nullif(ratings, 0) from figures
    union all
    select shop_id, month, evaluated_to, 'ratings', 3, all_ratings, 1 from figures
    union all
    select shop_id, month, evaluated_to, 'experience_score', 4, experience_score, 1 from figures
)

select * from measures
