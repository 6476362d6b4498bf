{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

-- The workload sheet (接待数据) by the date of the message.
with dates as (select business_date from {{ ref('build_dates') }} where platform = 'taobao'),

said as (
    select *, item_at::date as business_date
    from {{ ref('int_taobao__items') }}
    where kind in ('Q', 'R', 'B') and item_at::date in (select business_date from dates)
),

messages as (
    select message_id, length(content) as characters
    from {{ source('taobao', 'messages') }}
    where sent_at::date in (select business_date from dates)
),

items as (
    select
        s.shop_id,
        s.account_id,
        s.customer_id,
        s.conversation_id,
        s.business_date,
        s.item_at,
        s.kind,
        m.characters
    from said s
    join messages m on s.item_id = m.message_id
),

rounds as (
    select
        shop_id,
        account_id,
        buyer_id as customer_id,
        business_date,
        clock_started_at,
        round_id,
        response_seconds::decimal(18, 6) as response_seconds
    from {{ ref('taobao_rounds') }}
    where is_counted and response_seconds is not null and business_date in (select business_date from dates)
),

days as (
    {{ reception_days('taobao', 'items', 'rounds') }}
)

select * from days
