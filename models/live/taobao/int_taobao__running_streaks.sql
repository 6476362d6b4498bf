-- What a shop wrote in a row, up to the moment, to each buyer whose streak may run then, or who once refused messages: from the
-- buyer's last question on. Of what is older nothing is needed. T-54: an order may reset nothing, a question always does. One row
-- per shop and buyer; reset_at is null where the buyer never asked.
{{ config(materialized='view') }}

with as_of as (select as_of from {{ ref('live_as_of') }} where platform = 'taobao'),

events as (
    select e.* from {{ ref('int_taobao__streak_events') }} e join as_of a on e.event_at <= a.as_of
),

clicks as (select * from {{ source('taobao', 'rejection_prompts') }} where clicked_at is not null)

select
    shop_id,
    buyer_id,
    max(event_at) filter (where kind = 'buyer_reply') as reset_at
from events
group by shop_id, buyer_id
having
    coalesce(
        max(event_at) filter (where kind = 'counted') >= max(event_at) filter (where kind = 'buyer_reply'),
        max(event_at) filter (where kind = 'buyer_reply') is null
    )
    or (shop_id, buyer_id) in (select shop_id, buyer_id from clicks)
