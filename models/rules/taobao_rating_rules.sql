with parameters as (
    {{ rules_in_force(['taobao', 'tmall'], {
        'satisfied_max_eval_code': 'integer',
        'rating_edit_hours': 'integer',
        'rating_max_edits': 'integer',
        'manual_invite_forbidden': 'integer',
        'invite_delay_seconds': 'decimal(18, 6)',
        'invite_daily_cap_buyer': 'integer',
        'invite_daily_cap_shop': 'integer',
        'invite_match_seconds': 'decimal(18, 6)',
        'self_rated_hours': 'integer',
    }) }}
)

select
    *,
    rating_edit_hours * interval 1 hour as rating_edit_limit,
    invite_delay_seconds::double * interval 1 second as invite_delay,
    invite_match_seconds::double * interval 1 second as invite_match_limit,
    self_rated_hours * interval 1 hour as self_rated_limit
from parameters
