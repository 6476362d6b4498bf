-- T-70: the grade of each shop's service team for each month in force.
with figures as (select * from {{ ref('int_taobao__grade_figures') }}),

thresholds as (select * from {{ ref('taobao_grade_thresholds') }}),

cases as (select * from {{ source('taobao', 'conduct_cases') }} where verified_at is not null),

grades as ( -- from the least on
    select unnest(['none', 'black', 'silver', 'gold']) as grade, unnest([0, 1, 2, 3]) as height
),

measured as ( -- what a threshold can speak of, as shares, so that it can be told how many are missing
    select shop_id, month, 'response_rate_3min' as metric, 1 as position, responses_in_time as numerator, responses as denominator
    from figures
    union all
    select shop_id, month, 'satisfaction_rate', 2, ratings_satisfied, nullif(ratings, 0) from figures
    union all
    select shop_id, month, 'ratings', 3, ratings, 1 from figures
    union all
    select shop_id, month, 'experience_score', 4, experience_score, 1 from figures
),

required as ( -- T-71: the user's thresholds in force on the last day that is evaluated
    select f.shop_id, f.month, t.grade, t.metric, t.min_value
    from figures f
    join thresholds t
        on
            f.evaluated_to >= coalesce(t.valid_from, '0001-01-01'::date)
            and f.evaluated_to <= coalesce(t.valid_to, '9999-12-31'::date)
),

reached as (
    select q.shop_id, q.month, q.grade
    from required q
    join measured m on q.shop_id = m.shop_id and q.month = m.month and q.metric = m.metric
    group by all
    having bool_and(coalesce(m.numerator >= q.min_value * m.denominator, false))
),

best as (
    select r.shop_id, r.month, max_by(r.grade, g.height) as grade
    from reached r
    join grades g on r.grade = g.grade
    group by all
),

dishonest as ( -- T-73
    select f.shop_id, f.month, min_by(c.case_id, (c.verified_at, c.case_id)) as case_id
    from figures f
    join cases c on f.shop_id = c.shop_id and f.evaluated_from <= c.verified_at and f.month > c.verified_at
    where c.case_type = 'dishonest_conduct'
    group by all
),

graded as ( -- what the platform published stands, whatever we would compute
    select
        f.*,
        case when f.published_grade is null and b.grade is not null then d.case_id end as disqualified_by,
        case
            when f.published_grade is not null then f.published_grade
            when b.grade is null then 'unknown'
            when d.case_id is not null then 'none'
            else b.grade
        end as grade,
        case
            when f.published_grade is not null then 'published' when b.grade is not null then 'computed' else 'unknown'
        end as grade_source
    from figures f
    left join best b on f.shop_id = b.shop_id and f.month = b.month
    left join dishonest d on f.shop_id = d.shop_id and f.month = d.month
),

cancelled as ( -- T-72: a case of either kind
    select g.shop_id, g.month, min(c.verified_at)::date as cancelled_on
    from graded g
    join cases c
        on g.shop_id = c.shop_id and g.month <= c.verified_at and g.month + interval 1 month > c.verified_at
    where g.grade in ('gold', 'silver')
    group by all
),

steps as ( -- the next better grade
    select g.*, better.grade as next_grade
    from graded g
    left join grades own on g.grade = own.grade
    left join grades better on own.height + 1 = better.height
),

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
    join required q on s.shop_id = q.shop_id and s.month = q.month and s.next_grade = q.grade
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
    join measured m on a.shop_id = m.shop_id and a.month = m.month and a.metric = m.metric
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
    left join required q on s.shop_id = q.shop_id and s.month = q.month and s.next_grade = q.grade
    where s.next_grade is not null and q.grade is null
),

gaps as (
    select shop_id, month, array_to_string({{ ordered_list('words', 'position') }}, '; ') as gap_to_next
    from missing
    group by all
)

select
    s.shop_id,
    s.month,
    s.grade,
    s.grade_source,
    (s.responses_in_time / s.responses)::double as response_rate,
    (s.ratings_satisfied / nullif(s.ratings, 0))::double as satisfaction_rate,
    s.ratings::bigint as ratings,
    s.ratings >= s.grade_min_ratings as is_rating_gate_met,
    s.experience_score::double as experience_score,
    s.experience_score >= s.grade_min_experience_score as is_experience_gate_met,
    s.disqualified_by,
    c.cancelled_on,
    s.next_grade,
    case when s.next_grade is not null then coalesce(g.gap_to_next, 'nothing that is known') end as gap_to_next
from steps s
left join cancelled c on s.shop_id = c.shop_id and s.month = c.month
left join gaps g on s.shop_id = g.shop_id and s.month = g.month
