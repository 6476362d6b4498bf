-- What counts towards the five messages in a row to a buyer, and what may make the shop count anew. Nothing else does either.
-- One row per message or order.
{{ config(materialized='view') }}

with messages as (select * from {{ source('taobao', 'messages') }}),

orders as (select * from {{ source('taobao', 'orders') }}),

types as (select * from {{ ref('taobao_message_rules') }}),

typed as (
    select
        m.*,
        case
            -- T-50, recalled or not and to whomever; T-51, T-52: which types count
            when t.counts_towards_limit and m.author_kind in ('agent', 'assist_bot', 'auto_bot') then 'counted'
            -- T-53: a buyer who writes, recalled or not; a click on a card is no reply
            when t.opens_round and m.author_kind = 'consumer' then 'buyer_reply'
        end as kind
    from messages m
    join types t
        on m.message_type = t.message_type and m.direction = t.direction and m.sent_at::date between t.valid_from and t.valid_to
)

-- The order at the same time: an order, the buyer, the shop.
select shop_id, buyer_id, null as account_id, created_at as event_at, 0 as event_rank, order_id as event_id, 'order' as kind
from orders
union all
select shop_id, buyer_id, account_id, sent_at, case kind when 'buyer_reply' then 1 else 2 end, message_id, kind
from typed
where kind is not null
