-- What of Taobao's messages and routing events opens, answers or moves a round. One row per item.
{{ config(materialized='view') }}

with messages as (select * from {{ source('taobao', 'messages') }}),

recalls as (select * from {{ source('taobao', 'message_recalls') }}),

reception_events as (select * from {{ source('taobao', 'reception_events') }}),

types as (select * from {{ ref('taobao_message_rules') }}),

typed as (
    select m.*, t.opens_round, t.answers
    from messages m
    join types t
        on m.message_type = t.message_type and m.direction = t.direction and m.sent_at::date between t.valid_from and t.valid_to
),

ranks as (select r.item_rank from (values (1), (2)) r (item_rank)),

said as ( -- a message can both ask and answer: each is an item of its own
    select
        t.*,
        r.item_rank,
        case when r.item_rank = 1 then 'Q' when t.author_kind = 'auto_bot' then 'B' else 'R' end as kind
    from typed t
    cross join ranks r
    where
        -- T-11, T-15, T-16, T-21, T-22: what the types of messages ask; T-24: a work order asks whoever wrote it.
        -- T-23: a message the buyer recalled asked nothing, whenever it was recalled
        r.item_rank = 1
        and t.opens_round
        and (t.author_kind = 'consumer' or t.message_type = 'work_order')
        and t.message_id not in (select message_id from recalls)
        -- T-06: a human or a bot in assist mode replies, a full-auto bot does not; a push or a system type answers nobody.
        -- T-02: a greeting is nothing at all
        or r.item_rank = 2
        and t.answers
        and t.author_kind in ('agent', 'assist_bot', 'auto_bot')
),

routing as (
    select
        *,
        case when event_type = 'assigned' then 'H' else 'N' end as kind
    from reception_events
    where event_type in ('assigned', 'bot_started', 'pooled')
),

items as (
    select conversation_id, shop_id, buyer_id, account_id, sent_at as item_at, item_rank, message_id as item_id, kind, content
    from said
    union all
    select conversation_id, shop_id, buyer_id, account_id, occurred_at, 0, event_id, kind, null::string
    from routing
)

select
    conversation_id,
    shop_id,
    buyer_id as customer_id,
    account_id,
    item_at,
    item_at::date as item_date,
    item_rank,
    item_id,
    kind,
    content
from items
