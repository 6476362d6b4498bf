-- What Xiaohongshu's rules say besides those of rounds and metrics: a row per rule version.
with parameters as (
    {{ rules_in_force({
        'min_work_start': 'interval',
        'min_work_end': 'interval',
        'reply_horizon_hours': 'integer',
        'first_response_target_seconds': 'decimal(18, 6)',
        'reply_target_seconds': 'decimal(18, 6)',
        'reply_window_start': 'interval',
        'reply_window_end': 'interval',
        'satisfied_min_stars': 'integer',
        'inspection_samples_per_account': 'integer',
        'coverage_wait_seconds': 'integer',
    }, scopes=['xiaohongshu']) }}
)

select
    *,
    reply_horizon_hours * interval 1 hour as reply_horizon,
    coverage_wait_seconds * interval 1 second as coverage_wait
from parameters
