-- Why rounds and ratings of Kuaishou, of the dates being built, do not count. One row per round or rating, reason and row that is
-- the cause, which `evidence` tells. K-07: through which channel a rating came does not matter.
{{ config(materialized='view') }}

with rounds as (select * from {{ ref('int_rounds') }} where platform = 'kuaishou'),

ratings as (select * from {{ ref('int_kuaishou__ratings') }}),

windows as (select * from {{ ref('round_rules') }}),

reports as (select * from {{ source('kuaishou', 'malicious_reports') }} where result = 'upheld'),

never_routed as ( -- K-02: it waited for a human while a bot had the session, and never got one
    select round_id as judged_id, 'not_routed_to_human' as reason, 'waited from ' || first_message_at || ' on' as evidence
    from rounds
    where is_waiting and reply_kind is null
),

bot_replies as ( -- K-02: a bot answered before any human
    select round_id as judged_id, 'non_human_reply' as reason, 'a bot wrote ' || first_reply_id || ' at ' || first_reply_at as evidence
    from rounds
    where reply_kind = 'B'
),

outside_window as ( -- K-01
    select r.round_id as judged_id, 'outside_window' as reason, {{ window_in_words('r.clock_started_at', 'w.window_start', 'w.window_end') }} as evidence
    from rounds r
    join windows w on r.rule_version = w.rule_version
    where r.segment <> 'in'
),

malicious as ( -- K-08: of a user whom the shop reported with success, from when the report takes effect, also days ago
    select
        r.round_id as judged_id,
        'malicious_user' as reason,
        'report ' || m.report_id || ' holds ' || {{ span_in_words('m.effective_from', 'null') }} as evidence
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
        'report ' || m.report_id || ' holds ' || {{ span_in_words('m.effective_from', 'null') }} as evidence
    from ratings r
    join reports m on r.shop_id = m.shop_id and r.user_id = m.user_id
    where r.sent_at >= m.effective_from
)
{% set reasons = {
    'round': ['never_routed', 'bot_replies', 'outside_window', 'malicious'],
    'rating': ['cards_outside_window', 'of_bots', 'of_malicious'],
} %}
{{ exclusions_of(reasons) }}
