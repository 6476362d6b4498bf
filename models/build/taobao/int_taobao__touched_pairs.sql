-- Which buyers of which shops have other streaks than before, and from when on, by what a landing changed. One row per shop and
-- buyer.
{{ config(materialized='view') }}

with events as (select *, event_at::date as event_date from {{ ref('int_taobao__streak_events') }}),

shops as (select * from {{ ref('int_shops') }} where platform = 'taobao'),

since_ever as (select '0001-01-01'::timestamp as touched_from),

by_rows as ( -- a row that was replaced is there as it was and as it is
    select shop_id, buyer_id, sent_at as touched_from from {{ source('changed', 'taobao_messages') }}
    union
    select shop_id, buyer_id, created_at from {{ source('changed', 'taobao_orders') }}
),

by_shops as ( -- the marketplace decides the rules
    select e.shop_id, e.buyer_id, n.touched_from
    from events e
    cross join since_ever n
    where e.shop_id in (select shop_id from {{ source('changed', 'taobao_shops') }})
),

by_rules as (
    select e.shop_id, e.buyer_id, c.valid_from::timestamp as touched_from
    from events e
    join shops s on e.shop_id = s.shop_id
    join {{ ref('changed_rules') }} c on s.scope = c.scope and e.event_date between c.valid_from and c.valid_to
),

everything as (
    select e.shop_id, e.buyer_id, n.touched_from
    from events e
    cross join since_ever n
    where (select everything from {{ source('build', 'request') }})
),

touched as (
    select * from by_rows
    union all
    select * from by_shops
    union all
    select * from by_rules
    union all
    select * from everything
)

select shop_id, buyer_id, min(touched_from) as touched_from
from touched
group by shop_id, buyer_id
