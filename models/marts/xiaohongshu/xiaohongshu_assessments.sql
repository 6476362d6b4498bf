select
    shop_id,
    month,
    first_response_rate_45s,
    avg_reply_interval_seconds,
    satisfaction_rate,
    is_first_response_met,
    is_reply_interval_met,
    is_satisfaction_met,
    is_passed
from {{ ref('int_xiaohongshu__assessments') }}
