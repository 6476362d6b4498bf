with parameters as (
    {{ rules_in_force(['taobao', 'tmall'], {
        'window_start': 'interval',
        'window_end': 'interval',
        'round_scope': 'varchar',
        'routing_lookback_days': 'integer',
        'reply_horizon_hours': 'integer',
        'month_days': 'integer',
        'grade_min_ratings': 'integer',
        'grade_min_experience_score': 'decimal(18, 6)',
        'priority_max_audiences': 'integer',
        'priority_prompt_hours': 'integer',
        'response_target_seconds': 'decimal(18, 6)',
        'zero_second_threshold': 'decimal(18, 6)',
        'response_cap_seconds': 'decimal(18, 6)',
        'unanswered_response_seconds': 'decimal(18, 6)',
    }) }}
)

select
    *,
    'human_only' as reply_scope, -- T-06: a full-auto bot's message is never a valid reply
    routing_lookback_days * interval 1 day as routing_lookback,
    reply_horizon_hours * interval 1 hour as reply_horizon,
    priority_prompt_hours * interval 1 hour as priority_prompt_interval,
    response_target_seconds::double * interval 1 second as response_target
from parameters
