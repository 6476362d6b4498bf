-- Why ratings of Taobao and Tmall do not count. One row per card and reason, whose cause `evidence` tells.
{{ config(materialized='view') }}

with ratings as (select * from {{ ref('int_taobao__ratings') }}),

accounts as (select * from {{ source('taobao', 'accounts') }}),

shops as (select shop_id, scope from {{ ref('int_shops') }} where platform = 'taobao'),

exempt_periods as (select * from {{ ref('exempt_periods') }}),

closings as (select * from {{ source('taobao', 'shop_closings') }}),

repeated as ( -- T-34: of what a buyer rated an account with on one day, all but what was first rated first
    select
        card_id as judged_id,
        'repeat_same_day' as reason,
        'rated on card ' || first_value(card_id) over of_one_day || ' at ' || first_value(first_rated_at) over of_one_day
            as evidence
    from ratings
    window of_one_day as (partition by shop_id, buyer_id, account_id, business_date order by first_rated_at, card_id)
    qualify row_number() over of_one_day > 1
),

of_service_assistants as ( -- T-37
    select r.card_id as judged_id, 'not_human' as reason, 'account ' || r.account_id || ' is a service assistant' as evidence
    from ratings r
    join accounts a on r.account_id = a.account_id
    where a.account_type = 'service_assistant'
),

exempt as ( -- T-28: first rated on a day that the platform leaves out
    select
        r.card_id as judged_id,
        'exempt_period' as reason,
        'the platform left out ' || e.first_date || ' to ' || e.last_date as evidence
    from ratings r
    join shops s on r.shop_id = s.shop_id
    join exempt_periods e on s.scope = e.scope and r.business_date between e.first_date and e.last_date
),

shop_closed as ( -- T-28: first rated while the shop was closed
    select
        r.card_id as judged_id,
        'shop_closed' as reason,
        'closed ' || {{ span_in_words('c.closed_from', 'c.closed_to') }} as evidence
    from ratings r
    join closings c on r.shop_id = c.shop_id
    where r.first_rated_at >= c.closed_from and coalesce(r.first_rated_at < c.closed_to, true)
)

select * from repeated
union all
select * from of_service_assistants
union all
select * from exempt
union all
select * from shop_closed
