-- The items of rules 0.1: what of every platform's messages and routing events opens, answers or moves a round. One row per item.
{{ config(materialized='view') }}

with items as (
    {{ of_platforms('items', [
        'conversation_id', 'shop_id', 'customer_id', 'account_id', 'item_at', 'item_date', 'item_rank', 'item_id', 'kind',
        'content',
    ]) }}
),

shops as (select platform, shop_id, scope from {{ ref('int_shops') }})

select
    i.platform,
    s.scope,
    i.conversation_id,
    i.shop_id,
    i.customer_id,
    i.account_id,
    i.item_at,
    i.item_date,
    i.item_rank,
    i.item_id,
    i.kind,
    length(i.content) as characters
from items i
join shops s on i.platform = s.platform and i.shop_id = s.shop_id
