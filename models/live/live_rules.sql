-- What the rules say of that which can still be put right (V-01, V-02, V-04), of every scope: a row per rule version.
with parameters as (
    {{ rules_in_force({
        'reply_horizon_hours': 'integer',
        'response_target_seconds': 'decimal(18, 6)',
        'risk_seconds': 'decimal(18, 6)',
        'first_response_target_seconds': 'decimal(18, 6)',
        'reply_target_seconds': 'decimal(18, 6)',
        'reply_risk_seconds': 'decimal(18, 6)',
        'rating_edit_hours': 'integer',
        'satisfied_min_stars': 'integer',
        'streak_limit': 'integer',
    }) }}
)

select
    *,
    reply_horizon_hours * interval 1 hour as reply_horizon,
    rating_edit_hours * interval 1 hour as rating_edit_limit
from parameters
