select
    shop_id,
    business_date,
    hour,
    entered_sessions,
    agent_messages,
    is_gap
from {{ ref('int_xiaohongshu__coverage') }}
