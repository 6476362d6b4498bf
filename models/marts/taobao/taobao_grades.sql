select
    shop_id,
    month,
    grade,
    grade_source,
    response_rate,
    satisfaction_rate,
    ratings,
    all_ratings,
    is_rating_gate_met,
    experience_score,
    is_experience_gate_met,
    disqualified_by,
    cancelled_on,
    next_grade,
    gap_to_next
from {{ ref('int_taobao__grades') }}
