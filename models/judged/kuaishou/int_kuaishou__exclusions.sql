-- Why rounds and ratings of Kuaishou, of the dates being built, do not count. One row per round or rating, reason and row that is
-- the cause, which `evidence` tells. K-07: through which channel a rating came does not matter.
{{ config(materialized='view') }}

with rounds as (select * from {{ ref('int_rounds') }} where platform = 'kuaishou'),

ratings as (select * from {{ ref('int_kuaishou__ratings') }}),

exempt_periods as (select * from {{ ref('exempt_periods') }} where scope = 'kuaishou'),

reports as (select * from {{ source('kuaishou', 'malicious_reports') }} where result = 'upheld'),

malicious as ( -- K-08: of a user whom the shop reported with success, from when the report takes effect, also days ago
    select
        r.round_id as judged_id,
        'malicious_user' as reason,
        'report ' || m.report_id || ' on ' || m.user_id || ' was upheld and holds from ' || m.effective_from || ' on' as evidence
    from rounds r
    join reports m on r.shop_id = m.shop_id and r.customer_id = m.user_id
    where r.clock_started_at >= m.effective_from
),

cards_outside_window as ( -- K-06: the sending decides, not the rating
    select card_id as judged_id, 'card_sent_outside_window' as reason, 'the card was sent at ' || sent_at as evidence
    from ratings
    where not is_sent_in_window
),

of_bots as ( -- K-07: since humans alone count
    select card_id as judged_id, 'not_human' as reason, 'a bot''s service was rated' as evidence
    from ratings
    where service_kind = 'bot' and reply_scope = 'human_only'
),

of_malicious as ( -- K-08
    select
        r.card_id as judged_id,
        'malicious_user' as reason,
        'report ' || m.report_id || ' on ' || m.user_id || ' was upheld and holds from ' || m.effective_from || ' on' as evidence
    from ratings r
    join reports m on r.shop_id = m.shop_id and r.user_id = m.user_id
    where r.sent_at >= m.effective_from
),

of_exempt_days as ( -- K-09
    select
        r.card_id as judged_id,
        'exempt_period' as reason,
        'the platform left out ' || e.first_date || ' to ' || e.last_date as evidence
    from ratings r
    join exempt_periods e on r.business_date between e.first_date and e.last_date
)
{% set reasons = {
    'round': ['malicious'],
    'rating': ['cards_outside_window', 'of_bots', 'of_malicious', 'of_exempt_days'],
} %}
{{ exclusions_of(reasons) }}
