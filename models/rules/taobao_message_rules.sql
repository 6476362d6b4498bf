-- The rules about messages that nobody asked for: the limit of five, its rejection prompts, exclusive-service pushes.
{{ rules_in_force(['taobao', 'tmall'], {
    'streak_limit': 'integer',
    'rejection_click_days': 'integer',
    'rejection_click_rate_target': 'double',
    'rejection_band_healthy': 'double',
    'rejection_band_watch': 'double',
    'observation_days': 'integer',
    'observation_min_exposures': 'integer',
    'vip_push_days': 'integer',
}) }}
