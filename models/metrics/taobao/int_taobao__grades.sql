-- The grade of each shop's service team for each month in force, and what is missing to the next better one. One row per shop
-- and month.
with granted as (select * from {{ ref('int_taobao__granted_grades') }}),

gaps as (
    select shop_id, month, {{ joined(ordered_list('words', 'position'), '; ') }} as gap_to_next
    from {{ ref('int_taobao__grade_gaps') }}
    group by shop_id, month
)

select
    g.shop_id,
    g.month,
    g.grade,
    g.grade_source,
    (g.responses_in_time / g.responses)::double as response_rate,
    (g.ratings_satisfied / nullif(g.ratings, 0))::double as satisfaction_rate,
    g.ratings::bigint as ratings,
    g.all_ratings::bigint as all_ratings,
    g.all_ratings >= g.grade_min_ratings as is_rating_gate_met,
    g.experience_score::double as experience_score,
    g.experience_score >= g.grade_min_experience_score as is_experience_gate_met,
    g.disqualified_by,
    g.cancelled_on,
    g.next_grade,
    case when g.next_grade is not null then coalesce(x.gap_to_next, 'nothing that is known') end as gap_to_next
from granted g
left join gaps x on g.shop_id = x.shop_id and g.month = x.month
