-- What the rules of Taobao and Tmall say besides those of rounds and metrics: a row per marketplace and rule version.
with parameters as (
    {{ rules_in_force({
        'response_target_seconds': 'decimal(18, 6)',
        'zero_second_threshold': 'decimal(18, 6)',
        'response_cap_seconds': 'decimal(18, 6)',
        'unanswered_response_seconds': 'decimal(18, 6)',
        'month_days': 'integer',
        'satisfied_max_eval_code': 'integer',
        'rating_edit_hours': 'integer',
        'rating_max_edits': 'integer',
        'manual_invite_forbidden': 'integer',
        'invite_delay_seconds': 'decimal(18, 6)',
        'invite_daily_cap_buyer': 'integer',
        'invite_daily_cap_shop': 'integer',
        'invite_match_seconds': 'decimal(18, 6)',
        'self_rated_hours': 'integer',
        'streak_limit': 'integer',
        'rejection_click_days': 'integer',
        'rejection_click_rate_target': 'double',
        'rejection_band_healthy': 'double',
        'rejection_band_watch': 'double',
        'observation_days': 'integer',
        'observation_min_exposures': 'integer',
        'vip_push_days': 'integer',
        'grade_min_ratings': 'integer',
        'grade_min_experience_score': 'decimal(18, 6)',
        'priority_max_audiences': 'integer',
        'priority_prompt_hours': 'integer',
    }, scopes=['taobao', 'tmall']) }}
)

select
    *,
    response_target_seconds::double * interval 1 second as response_target,
    rating_edit_hours * interval 1 hour as rating_edit_limit,
    invite_delay_seconds::double * interval 1 second as invite_delay,
    invite_match_seconds::double * interval 1 second as invite_match_limit,
    self_rated_hours * interval 1 hour as self_rated_limit,
    priority_prompt_hours * interval 1 hour as priority_prompt_interval
from parameters
