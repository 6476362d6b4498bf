-- What is missing to each shop's next better grade, in words and figures. One row per shop, month and thing that is missing.
{{ config(materialized='view') }}

with steps as (select * from {{ ref('int_taobao__granted_grades') }}),

measures as (select * from {{ ref('int_taobao__grade_measures') }}),

requirements as (select * from {{ ref('int_taobao__grade_requirements') }}),

demands as ( -- what it asks for: the known gates, and the user's thresholds where they ask for more
    select s.shop_id, s.month, 'ratings' as metric, s.grade_min_ratings::decimal(18, 6) as min_value
    from steps s
    where s.next_grade is not null
    union all
    select s.shop_id, s.month, 'experience_score', s.grade_min_experience_score
    from steps s
    where s.next_grade is not null
    union all
    select s.shop_id, s.month, q.metric, q.min_value
    from steps s
    join requirements q on s.shop_id = q.shop_id and s.month = q.month and s.next_grade = q.grade
),

asked as (
    select shop_id, month, metric, max(min_value) as min_value
    from demands
    group by all
),

misses as (
    select
        a.shop_id,
        a.month,
        a.metric,
        m.position,
        (m.denominator - m.numerator)::bigint as missed,
        ceil(a.min_value * m.denominator - m.numerator)::bigint as more,
        round((a.min_value - m.numerator / m.denominator) * 100, 1)::decimal(18, 1) as points,
        round(a.min_value - m.numerator, 2)::decimal(18, 2) as difference
    from asked a
    join measures m on a.shop_id = m.shop_id and a.month = m.month and a.metric = m.metric
    where not coalesce(m.numerator >= a.min_value * m.denominator, false)
),

missing as ( -- in words and figures
    select
        shop_id,
        month,
        position,
        case metric
            when 'ratings' then more || case when more = 1 then ' more rating' else ' more ratings' end
            when 'experience_score' then coalesce('experience score ' || difference || ' short', 'experience score not known')
            when 'response_rate_3min'
                then coalesce(
                    'response rate ' || points || ' points short: ' || more || ' of the last ' || missed || ' misses',
                    'no response rate'
                )
            else coalesce(
                'satisfaction ' || points || ' points short: ' || more || ' of the last ' || missed || ' not satisfied',
                'no satisfaction'
            )
        end as words
    from misses
    union all
    select shop_id, month, 5, 'no dishonest conduct verified in the period: case ' || disqualified_by
    from steps
    where disqualified_by is not null
    union all
    select s.shop_id, s.month, 6, 'the cut-offs of ' || s.next_grade || ' are not known'
    from steps s
    left join requirements q on s.shop_id = q.shop_id and s.month = q.month and s.next_grade = q.grade
    where s.next_grade is not null and q.grade is null
)

select * from missing
