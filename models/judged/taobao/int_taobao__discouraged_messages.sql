-- T-65: what agents and bots wrote that holds a phrase discouraged on that day. One row per message.
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_dates',
    pre_hook='{{ set_first_built_item() }}'
) }}

with messages as (
    select *, sent_at::date as business_date
    from {{ source('taobao', 'messages') }}
    where {{ since_first_item('sent_at') }}
),

phrases as (select * from {{ ref('discouraged_phrases') }}),

dates as (select business_date from {{ ref('build_dates') }} where platform = 'taobao')

select
    m.message_id,
    m.shop_id,
    m.account_id,
    m.buyer_id,
    m.business_date,
    m.sent_at,
    {{ ordered_list('p.phrase', 'p.phrase') }} as phrases
from messages m
join dates d on m.business_date = d.business_date
join phrases p
    on
        contains(m.content, p.phrase)
        and coalesce(m.business_date >= p.valid_from, true)
        and coalesce(m.business_date <= p.valid_to, true)
where m.direction = 'outbound' and m.author_kind in ('agent', 'assist_bot', 'auto_bot')
group by all
