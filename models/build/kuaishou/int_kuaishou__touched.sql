-- What a landing changed at Kuaishou, as what it touches: a date, or a span of time in which the rounds of a conversation or a
-- user are touched; touched_dates says how. One row per change or date. After-sales requests touch nothing: what depends on the
-- as-of time is built whole every time.
{{ config(materialized='view') }}

with cards as (
    select *, sent_at::date as business_date from {{ source('kuaishou', 'rating_cards') }} where level is not null
),

changed_reports as (select * from {{ source('changed', 'kuaishou_malicious_reports') }} where result = 'upheld'),

items as (
    select 'item' as cause, session_id, sent_at as changed_at from {{ source('changed', 'kuaishou_messages') }}
    union all
    select 'item', session_id, occurred_at from {{ source('changed', 'kuaishou_session_events') }}
),

card_dates as (
    select sent_at::date as business_date from {{ source('changed', 'kuaishou_rating_cards') }}
    union
    select c.business_date -- K-08: as of rounds, every day since it takes effect
    from cards c
    join changed_reports r on c.shop_id = r.shop_id and c.user_id = r.user_id and c.sent_at >= r.effective_from
    union
    select c.business_date
    from cards c
    join {{ ref('changed_rules') }} r on r.scope = 'kuaishou' and c.business_date between r.valid_from and r.valid_to
    union
    select business_date from cards where (select everything from {{ source('build', 'request') }})
)

select {{ touched(cause='cause', conversation_id='session_id', touched_from='changed_at') }} from items
union all
-- K-08: every day since a report takes effect, when it is upheld and when that is taken back
select {{ touched(cause="'customer'", shop_id='shop_id', customer_id='user_id', touched_from='effective_from') }}
from changed_reports
union all
select {{ touched(cause="'card'", business_date='business_date') }} from card_dates
