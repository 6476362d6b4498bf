-- The streaks of messages in a row, since when a rejection closed each and until when, and what was written to a closed buyer.
-- One row per streak.
{{ config(materialized='view') }}

select
    k.streak_id,
    k.shop_id,
    k.buyer_id,
    k.started_at,
    k.ended_at,
    k.counted_messages,
    k.reached_limit_at,
    k.ended_by,
    c.closed_from,
    c.closed_until,
    coalesce(c.messages_after_rejection, 0) as messages_after_rejection
from {{ ref('int_taobao__streaks') }} k
left join {{ ref('int_taobao__closed_streaks') }} c on k.streak_id = c.streak_id
