-- What a landing changed at Taobao, as what it touches: a date, or a span of time in which the rounds of a conversation, buyer,
-- account or shop are touched; touched_dates says how. One row per change or date. Cards, their ratings and the as-of time touch
-- nothing: what depends on them is built whole every time.
{{ config(materialized='view') }}

with messages as (select * from {{ source('taobao', 'messages') }}),

targets as (select max(response_target) as response_target from {{ ref('taobao_rules') }}),

items as (
    select conversation_id, sent_at as changed_at from {{ source('changed', 'taobao_messages') }}
    union all
    select conversation_id, occurred_at from {{ source('changed', 'taobao_reception_events') }}
    union all
    select m.conversation_id, m.sent_at
    from {{ source('changed', 'taobao_message_recalls') }} r
    join messages m on r.message_id = m.message_id
),

blocks as ( -- T-03: from when an answer in time was still to come
    select b.shop_id, b.buyer_id, b.blocked_at - t.response_target as touched_from, b.unblocked_at
    from {{ source('changed', 'taobao_buyer_blocks') }} b
    cross join targets t
),

flags as (select * from {{ source('changed', 'taobao_platform_flags') }}),

accounts as (select * from {{ source('changed', 'taobao_accounts') }}),

shops as (select * from {{ source('changed', 'taobao_shops') }}), -- the marketplace decides the rules

closings as (select * from {{ source('changed', 'taobao_shop_closings') }}), -- T-28

written as ( -- T-65: dates on which nobody asked anything, but on which something discouraged may have been written
    select distinct sent_at::date as business_date
    from messages
    where direction = 'outbound' and (select everything from {{ source('build', 'request') }})
),

invites as (select business_date from {{ ref('int_taobao__touched_invite_dates') }})

select {{ touched(cause="'item'", conversation_id='conversation_id', touched_from='changed_at') }} from items
union all
select
    {{ touched(
        cause="'customer'", shop_id='shop_id', customer_id='buyer_id', touched_from='touched_from', touched_to='unblocked_at'
    ) }}
from blocks
union all
select
    {{ touched(
        cause="'conversation'", conversation_id='conversation_id', touched_from='flagged_from', touched_to='flagged_to'
    ) }}
from flags
union all
select {{ touched(cause="'account'", account_id='account_id', touched_from='disabled_at') }}
from accounts
where disabled_at is not null
union all
select {{ touched(cause="'shop'", shop_id='shop_id') }} from shops
union all
select {{ touched(cause="'shop'", shop_id='shop_id', touched_from='closed_from', touched_to='closed_to') }} from closings
union all
select {{ touched(cause="'written'", business_date='business_date') }} from written
union all
select {{ touched(cause="'invite'", business_date='business_date') }} from invites
