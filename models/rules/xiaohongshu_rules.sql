with parameters as (
    {{ rules_in_force(['xiaohongshu'], {
        'min_work_start': 'interval',
        'min_work_end': 'interval',
        'round_scope': 'varchar',
        'reply_horizon_hours': 'integer',
        'first_response_target_seconds': 'decimal(18, 6)',
        'satisfied_min_stars': 'integer',
        'inspection_samples_per_account': 'integer',
    }) }}
)

select
    *,
    'human_only' as reply_scope,
    -- X-09: rounds have no segments, and nobody ever waits for a human, so no routing event is looked back upon.
    null::interval as window_start,
    null::interval as window_end,
    0 * interval 1 day as routing_lookback,
    reply_horizon_hours * interval 1 hour as reply_horizon
from parameters
