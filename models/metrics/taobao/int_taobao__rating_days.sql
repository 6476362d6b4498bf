-- The sheet of ratings (接待评价) of Taobao and Tmall: cards sent, and counted ratings, of people alone. One row per shop or
-- account, date and origin of the card.
{{ config(materialized='view') }}

with cards as (
    select *, case trigger when 'buyer_initiated' then 'self' else 'invited' end as origin
    from {{ source('taobao', 'rating_cards') }}
    where account_id not in (
        select account_id from {{ source('taobao', 'accounts') }} where account_type = 'service_assistant'
    )
),

ratings as (select * from {{ ref('int_taobao__judged_ratings') }} where is_counted),

events as (
    select shop_id, account_id, sent_at::date as business_date, origin, 1 as cards_sent, null as level, null as is_satisfied
    from cards
    union all
    select
        c.shop_id,
        c.account_id,
        r.business_date, -- T-36
        c.origin,
        0,
        case r.eval_code -- T-35
            when 0 then 'very_satisfied'
            when 1 then 'satisfied'
            when 2 then 'neutral'
            when 3 then 'dissatisfied'
            when 4 then 'very_dissatisfied'
        end,
        r.is_satisfied
    from cards c
    join ratings r on c.card_id = r.card_id
)

select * from (
    {{ rating_days('taobao', 'events', levels=[
        'very_satisfied', 'satisfied', 'neutral', 'dissatisfied', 'very_dissatisfied',
    ]) }}
)
