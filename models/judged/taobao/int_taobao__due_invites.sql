-- The invitations due on the dates being built, before anything stops one; the as-of time does not matter yet. One row
-- per reply.
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_dates',
    pre_hook='{{ set_first_built_item(before=1) }}'
) }}

with messages as (select * from {{ source('taobao', 'messages') }} where {{ since_first_item('sent_at') }}),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

dates as (select business_date from {{ ref('build_dates') }} where platform = 'taobao'),

read_dates as ( -- what is due after midnight was replied before it; no delay is longer than a day
    select business_date from dates
    union
    select business_date - 1 from dates
),

types as (select * from {{ ref('taobao_message_rules') }}),

turns as ( -- T-41: what ends a silence, a buyer's question also when it was recalled
    select m.*
    from messages m
    join types t
        on m.message_type = t.message_type and m.direction = t.direction and m.sent_at::date between t.valid_from and t.valid_to
    where
        m.sent_at::date in (select business_date from read_dates)
        and ((t.opens_round and m.author_kind = 'consumer') or (t.answers and m.author_kind in ('agent', 'assist_bot')))
),

followed as (
    select
        *,
        lead(sent_at) over (
            partition by conversation_id order by sent_at, case direction when 'inbound' then 1 else 2 end, message_id
        ) as next_at
    from turns
),

timed as (
    select
        f.*,
        f.sent_at + u.invite_delay as due_at
    from followed f
    join rules u on f.shop_id = u.shop_id and f.sent_at::date between u.valid_from and u.valid_to
    where f.direction = 'outbound'
)

select
    message_id as trigger_message_id,
    shop_id,
    buyer_id,
    account_id,
    due_at,
    due_at::date as business_date
from timed
where
    coalesce(next_at > due_at, true)
    and due_at::date in (select business_date from dates)
