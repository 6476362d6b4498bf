with parameters as (
    {{ rules_in_force(['kuaishou'], {
        'window_start': 'interval',
        'window_end': 'interval',
        'round_scope': 'varchar',
        'reply_scope': 'varchar',
        'routing_lookback_days': 'integer',
        'reply_horizon_hours': 'integer',
        'response_target_seconds': 'decimal(18, 6)',
        'realtime_days': 'integer',
        'assisted_response_hours': 'integer',
    }) }}
)

select
    *,
    routing_lookback_days * interval 1 day as routing_lookback,
    reply_horizon_hours * interval 1 hour as reply_horizon,
    response_target_seconds::double * interval 1 second as response_target,
    assisted_response_hours * interval 1 hour as assisted_response_limit
from parameters
