-- T-70: what a shop is graded by in a month: the month rows of the month before, and the published experience score.
-- One row per shop and month.
with evaluated as (
    select
        shop_id,
        (date_trunc('month', period_end) + interval 1 month)::date as month,
        metric,
        numerator::decimal(18, 6) as numerator,
        denominator::decimal(18, 6) as denominator
    from {{ ref('int_metric_values') }}
    where
        platform = 'taobao'
        and subject = 'shop'
        and period = 'month'
        and metric in ('response_rate_3min', 'satisfaction_rate', 'assistant_satisfaction_rate')
),

published as (select *, (month || '-01')::date as first_of_month from {{ source('taobao', 'official_grades') }}),

as_of as (select as_of from {{ ref('as_of') }} where platform = 'taobao'),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

graded as ( -- a month is graded when the one before it is over, or when the platform says so
    select e.shop_id, e.month
    from evaluated e
    join as_of a on e.month <= a.as_of
    where e.metric <> 'assistant_satisfaction_rate'
    union
    select shop_id, first_of_month from published
),

side_by_side as (
    select
        shop_id,
        month,
        max(numerator) filter (where metric = 'response_rate_3min') as responses_in_time,
        max(denominator) filter (where metric = 'response_rate_3min') as responses,
        max(numerator) filter (where metric = 'satisfaction_rate') as ratings_satisfied,
        max(denominator) filter (where metric = 'satisfaction_rate') as ratings,
        -- T-71: people and service assistants
        sum(denominator) filter (where metric <> 'response_rate_3min') as all_ratings
    from evaluated
    group by shop_id, month
)

select
    g.shop_id,
    g.month,
    -- T-70, T-73: the days that are evaluated, and the rules of the last of them
    g.month - r.month_days as evaluated_from,
    g.month - 1 as evaluated_to,
    f.responses_in_time,
    f.responses,
    f.ratings_satisfied,
    coalesce(f.ratings, 0) as ratings,
    coalesce(f.all_ratings, 0) as all_ratings,
    p.grade as published_grade,
    p.experience_score::decimal(18, 6) as experience_score,
    r.grade_min_ratings,
    r.grade_min_experience_score
from graded g
join rules r on g.shop_id = r.shop_id and g.month - 1 between r.valid_from and r.valid_to
left join side_by_side f on g.shop_id = f.shop_id and g.month = f.month
left join published p on g.shop_id = p.shop_id and g.month = p.first_of_month
