-- V-02: the disappointed ratings of Kuaishou, which nobody can change, for as long as the rules show them. One row per card.
{{ config(materialized='view') }}

with cards as (select * from {{ source('kuaishou', 'rating_cards') }} where level = 'disappointed'),

ratings as (select card_id, exclusion_reasons from {{ ref('int_kuaishou__judged_ratings') }}),

shown as (select shown_from from {{ ref('live_shown_ratings') }} where platform = 'kuaishou')

select
    'card' as rated_kind,
    c.card_id,
    c.shop_id,
    c.user_id as buyer_id,
    c.agent_id as account_id,
    c.rated_at,
    c.level as value,
    null::boolean as was_changed,
    null::timestamp as editable_until,
    null::integer as edits_left,
    null::boolean as second_line_available,
    r.exclusion_reasons
from cards c
join ratings r on c.card_id = r.card_id
where c.rated_at > (select shown_from from shown)
