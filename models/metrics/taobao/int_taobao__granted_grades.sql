-- T-70: the grade of each shop's service team for each month in force, with the figures it rests on. One row per shop and month.
with figures as (select * from {{ ref('int_taobao__grade_figures') }}),

requirements as (select * from {{ ref('int_taobao__grade_requirements') }}),

cases as (select * from {{ source('taobao', 'conduct_cases') }} where verified_at is not null),

grades as ( -- from the least on
    select g.grade, g.height from (values ('none', 0), ('black', 1), ('silver', 2), ('gold', 3)) g (grade, height)
),

reached as (
    select shop_id, month, grade
    from requirements
    group by shop_id, month, grade
    having bool_and(is_reached)
),

best as (
    select r.shop_id, r.month, max_by(r.grade, g.height) as grade
    from reached r
    join grades g on r.grade = g.grade
    group by r.shop_id, r.month
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
)

select
    g.*,
    c.cancelled_on,
    better.grade as next_grade
from graded g
left join cancelled c on g.shop_id = c.shop_id and g.month = c.month
left join grades own on g.grade = own.grade
left join grades better on own.height + 1 = better.height
