-- grades
select month, shop('taobao', shop_id) as shop, zh(grade) as grade, shown(response_rate, 'share') as response_rate,
    shown(satisfaction_rate, 'share') as satisfaction_rate, all_ratings, is_rating_gate_met, experience_score, zh(next_grade) as next_grade, gap_to_next
from marts.taobao_grades;
-- assessments
select month, shop('xiaohongshu', shop_id) as shop, shown(first_response_rate_45s, 'share') as first_response_rate_45s, is_first_response_met,
    shown(avg_reply_interval_seconds, 'seconds') as avg_reply_interval_seconds, is_reply_interval_met,
    shown(satisfaction_rate, 'share') as satisfaction_rate, is_satisfaction_met, if(is_passed, '合格', '不合格') as assessment
from marts.xiaohongshu_assessments;
-- priority
select shop('taobao', shop_id) as shop, zh(outcome) as outcome, zh(not_eligible_reason) as not_eligible_because, count(*) as receptions,
    count(*) filter (not routed_as_expected) as routed_otherwise, count(*) filter (not prompt_as_expected) as prompted_otherwise
from marts.taobao_priority_receptions group by shop_id, outcome, not_eligible_reason;
