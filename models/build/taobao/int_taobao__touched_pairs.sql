-- Which buyers of which shops have other streaks than before, and from when on, by what a landing changed. One row per shop and
-- buyer.
{{ config(materialized='view') }}

with events as (select *, event_at::date as event_date from {{ ref('int_taobao__streak_events') }}),

shops as (select * from {{ ref('int_shops') }} where platform = 'taobao'),

request as (select * from {{ source('build', 'request') }}),

by_rows as ( -- a row that was replaced is there as it was and as it is
    select shop_id, buyer_id, sent_at as touched_from from {{ source('changed', 'taobao_messages') }}
    union
    select shop_id, buyer_id, created_at from {{ source('changed', 'taobao_orders') }}
),

spans as ( -- in which a shop's every streak may be another; nothing reads the events where there is none
    select s.shop_id, '0001-01-01'::date as first_date, '9999-12-31'::date as last_date
    from shops s
    cross join request r
    -- a shop's marketplace decides its rules
    where r.everything or s.shop_id in (select shop_id from {{ source('changed', 'taobao_shops') }})
    union all
    select s.shop_id, c.valid_from, c.valid_to
    from shops s
    join {{ ref('changed_rules') }} c on s.scope = c.scope
),

by_spans as (
    select e.shop_id, e.buyer_id, p.first_date::timestamp as touched_from
    from events e
    join spans p on e.shop_id = p.shop_id and e.event_date between p.first_date and p.last_date
),

touched as (
    select * from by_rows
    union all
    select * from by_spans
)

select shop_id, buyer_id, min(touched_from) as touched_from
from touched
group by shop_id, buyer_id
