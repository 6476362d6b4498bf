-- The sheet of ratings (接待评价) of Kuaishou: cards sent, and counted ratings, of people alone. One row per shop or account, date
-- and origin of the card.
{{ config(materialized='view') }}

with cards as (
    select *, case channel when 'user_initiated' then 'self' else 'invited' end as origin
    from {{ source('kuaishou', 'rating_cards') }}
    where service_kind = 'human'
),

ratings as (select * from {{ ref('int_kuaishou__judged_ratings') }} where is_counted),

events as (
    select
        shop_id, agent_id as account_id, sent_at::date as business_date, origin, 1 as cards_sent, null as level,
        null as is_satisfied
    from cards
    union all
    select
        c.shop_id,
        c.agent_id,
        r.business_date,
        c.origin,
        0,
        case r.level when 'disappointed' then 'dissatisfied' else r.level end,
        r.is_satisfied
    from cards c
    join ratings r on c.card_id = r.card_id
)

select * from (
    {{ rating_days('kuaishou', 'events', levels=[
        'satisfied', 'neutral', 'dissatisfied',
    ]) }}
)
