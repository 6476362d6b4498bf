-- What counts towards the five messages in a row to a buyer, and what may make the shop count anew. Nothing else does either.
-- One row per message or order.
{{ config(materialized='view') }}

with messages as (select * from {{ source('taobao', 'messages') }}),

orders as (select * from {{ source('taobao', 'orders') }}),

types as (select * from {{ ref('taobao_message_types') }}),

counted as ( -- T-50, recalled or not and to whomever; T-51, T-52: which types count
    select *
    from messages
    where
        direction = 'outbound'
        and author_kind in ('agent', 'assist_bot', 'auto_bot')
        and message_type in (select message_type from types where direction = 'outbound' and counts_towards_limit)
),

replies as ( -- T-53: a buyer who writes, recalled or not; a click on a card is no reply
    select *
    from messages
    where
        direction = 'inbound'
        and author_kind = 'consumer'
        and message_type in (select message_type from types where direction = 'inbound' and opens_round)
)

-- The order at the same time: an order, the buyer, the shop.
select shop_id, buyer_id, created_at as event_at, 0 as event_rank, order_id as event_id, 'order' as kind from orders
union all
select shop_id, buyer_id, sent_at, 1, message_id, 'buyer_reply' from replies
union all
select shop_id, buyer_id, sent_at, 2, message_id, 'counted' from counted
