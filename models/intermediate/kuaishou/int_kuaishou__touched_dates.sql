-- Which business dates the rows that a landing changed can alter: those on which a round can start that sees them, or on which
-- a card was sent. After-sales requests touch none: what depends on the as-of time is built whole every time.
{{ config(materialized='view') }}

with items as (select * from {{ ref('int_kuaishou__items') }}),

cards as (select * from {{ source('kuaishou', 'rating_cards') }} where level is not null),

-- Rounds start at questions and at hand-overs.
starts as (select * from items where kind in ('Q', 'H')),

dated as (
    select shop_id, customer_id as user_id, item_at as dated_at from starts
    union all
    select shop_id, user_id, sent_at from cards
),

reach as ( -- how far a round sees: back to what its look-back looks back to, forward to the reply horizon
    select 2 * max(routing_lookback) as backward, max(reply_horizon) as forward
    from {{ ref('kuaishou_rules') }}
),

changed_items as (
    select session_id, sent_at as changed_at from {{ source('changed', 'kuaishou_messages') }}
    union all
    select session_id, occurred_at from {{ source('changed', 'kuaishou_session_events') }}
),

by_items as (
    select changed_at::date as business_date from changed_items
    union
    select s.item_at::date
    from starts s
    join changed_items c on s.conversation_id = c.session_id
    cross join reach r
    where s.item_at between c.changed_at - r.forward and c.changed_at + r.backward
),

by_cards as (
    select sent_at::date as business_date from {{ source('changed', 'kuaishou_rating_cards') }}
),

by_reports as ( -- K-08: every day since it takes effect, when it is upheld and when that is taken back
    select d.dated_at::date as business_date
    from dated d
    join {{ source('changed', 'kuaishou_malicious_reports') }} m on d.shop_id = m.shop_id and d.user_id = m.user_id
    where m.result = 'upheld' and d.dated_at >= m.effective_from
),

by_rules as (
    select d.dated_at::date as business_date
    from dated d
    join {{ ref('changed_rules') }} c on c.scope = 'kuaishou' and d.dated_at::date between c.valid_from and c.valid_to
),

everything as (
    select dated_at::date as business_date
    from dated
    where (select everything from {{ source('build', 'request') }})
    union
    -- dates on which nothing was asked too: who wrote then was at work
    select item_at::date
    from items
    where kind <> 'N' and (select everything from {{ source('build', 'request') }})
),

touched as (
    select business_date from by_items
    union
    select business_date from by_cards
    union
    select business_date from by_reports
    union
    select business_date from by_rules
    union
    select business_date from everything
)

select 'kuaishou' as platform, business_date
from touched
