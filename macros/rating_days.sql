{#
    The sheet of ratings (接待评价) of a platform: a row per shop or account (null: the shop), business_date and origin.

    platform: its name. events: a relation of shop_id, account_id, business_date, origin ('invited', 'self'; null where nobody knows),
    cards_sent (1 or 0), level, is_satisfied; a row per card sent and per counted rating. levels: those the platform has, the others are
    null. has_cards: whether cards are known; without them what is made of cards is null.
#}
{% macro rating_days(platform, events, levels, has_cards=true) %}
with all_origins as (
    select shop_id, account_id, business_date, 'all' as origin, cards_sent, level, is_satisfied from {{ events }}
    union all
    select shop_id, account_id, business_date, origin, cards_sent, level, is_satisfied from {{ events }} where origin is not null
),

subjects as (
    select shop_id, null as account_id, business_date, origin, cards_sent, level, is_satisfied from all_origins
    union all
    select shop_id, account_id, business_date, origin, cards_sent, level, is_satisfied from all_origins where account_id is not null
),

received as ( -- who was received counts for every origin, and makes a row of all of them
    select shop_id, account_id, business_date, received_buyers
    from {{ ref('int_reception_days') }}
    where platform = '{{ platform }}' and received_buyers > 0
),

everything as (
    select * from subjects
    union all
    select shop_id, account_id, business_date, 'all', 0, null, null from received
),

counted as (
    select
        shop_id,
        account_id,
        business_date,
        origin,
        {{ 'sum(cards_sent)::bigint' if has_cards else 'null::bigint' }} as cards_sent,
        count(level) as ratings,
        {%- for level in ['very_satisfied', 'satisfied', 'neutral', 'dissatisfied', 'very_dissatisfied'] %}
        {{ "count(*) filter (where level = '" ~ level ~ "')" if level in levels else 'null::bigint' }} as {{ level }},
        {%- endfor %}
        count(*) filter (where is_satisfied) as satisfied_ratings
    from everything
    group by shop_id, account_id, business_date, origin
)

select
    c.shop_id,
    c.account_id,
    c.business_date,
    c.origin,
    coalesce(r.received_buyers, 0) as received_buyers,
    c.cards_sent,
    c.ratings,
    c.very_satisfied,
    c.satisfied,
    c.neutral,
    c.dissatisfied,
    c.very_dissatisfied,
    c.cards_sent::double / nullif(r.received_buyers, 0) as send_rate,
    c.ratings::double / nullif(c.cards_sent, 0) as return_rate,
    c.satisfied_ratings::double / nullif(c.ratings, 0) as satisfaction_rate
from counted c
left join received r
    on c.shop_id = r.shop_id and c.account_id is not distinct from r.account_id and c.business_date = r.business_date
{% endmacro %}
