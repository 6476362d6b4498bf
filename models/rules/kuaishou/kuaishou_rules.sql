-- What Kuaishou's rules say besides those of rounds and metrics: a row per rule version.
with parameters as (
    {{ rules_in_force({
        'realtime_days': 'integer',
        'assisted_response_hours': 'integer',
    }, scopes=['kuaishou']) }}
)

select
    *,
    assisted_response_hours * interval 1 hour as assisted_response_limit
from parameters
