-- The rules by which items become rounds (rules 0.1), of every scope: a row per rule version.
with parameters as (
    {{ rules_in_force({
        'window_start': 'interval',
        'window_end': 'interval',
        'round_scope': 'string',
        'reply_scope': 'string',
        'routing_lookback_days': 'integer',
        'reply_horizon_hours': 'integer',
        'response_target_seconds': 'decimal(18, 6)',
    }) }}
)

select
    scope,
    rule_version,
    valid_from,
    valid_to,
    -- X-09: without a window rounds have no segments
    window_start,
    window_end,
    round_scope,
    -- T-06: a full-auto bot's message is no valid reply, unless the rules of the day say so (K-02)
    coalesce(reply_scope, 'human_only') as reply_scope,
    -- X-09: without a look-back nobody ever waits for a human, and no routing event is looked back upon
    coalesce(routing_lookback_days, 0) * interval 1 day as routing_lookback,
    reply_horizon_hours * interval 1 hour as reply_horizon,
    response_target_seconds
from parameters
