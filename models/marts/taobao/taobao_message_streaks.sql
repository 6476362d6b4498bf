-- depends_on: {{ ref('build_dates') }}
select
    streak_id,
    shop_id,
    buyer_id,
    started_at,
    ended_at,
    counted_messages,
    reached_limit_at,
    ended_by,
    closed_from,
    closed_until,
    messages_after_rejection
from {{ ref('int_taobao__message_streaks') }}
