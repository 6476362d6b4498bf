{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

-- The workload sheet (接待数据) by the date of the message; rounds, as all figures of sessions, by the date the user entered.
with dates as (select business_date from {{ ref('build_dates') }} where platform = 'xiaohongshu'),

said as (
    select *, item_at::date as business_date
    from {{ ref('int_xiaohongshu__items') }}
    where kind in ('Q', 'R', 'B') and item_at::date in (select business_date from dates)
),

messages as (
    select message_id, length(content) as characters
    from {{ source('xiaohongshu', 'messages') }}
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
        r.shop_id,
        r.account_id,
        r.customer_id,
        r.business_date,
        r.clock_started_at,
        r.clock_item as round_id,
        r.elapsed_seconds as response_seconds
    from {{ ref('int_xiaohongshu__rounds') }} r
    join {{ ref('xiaohongshu_sessions') }} s on r.session_id = s.session_id
    where s.is_counted and not list_contains(s.exclusion_reasons, 'taken_over_unanswered') and r.elapsed_seconds is not null
),

days as (
    {{ reception_days('xiaohongshu', 'items', 'rounds') }}
)

select * from days
