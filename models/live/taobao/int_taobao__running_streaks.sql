-- From the last question or order on, what a shop wrote in a row to each buyer whose streak runs, or who once refused messages:
-- of what is older nothing is needed. One row per shop and buyer; reset_at is null where there was neither.
{{ config(materialized='view') }}

with events as (select * from {{ ref('int_taobao__streak_events') }}),

clicks as (select * from {{ source('taobao', 'rejection_prompts') }} where clicked_at is not null)

select
    shop_id,
    buyer_id,
    max(event_at) filter (where kind <> 'counted') as reset_at
from events
group by shop_id, buyer_id
having
    coalesce(
        max(event_at) filter (where kind = 'counted') >= max(event_at) filter (where kind <> 'counted'),
        max(event_at) filter (where kind <> 'counted') is null
    )
    or (shop_id, buyer_id) in (select (shop_id, buyer_id) from clicks)
