-- depends_on: {{ ref('build_dates') }}
select
    request_id,
    shop_id,
    user_id,
    agent_id,
    initiated_at,
    is_eligible,
    outcome,
    review,
    minutes_to_response
from {{ ref('int_kuaishou__assisted_after_sales') }}
