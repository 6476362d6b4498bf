-- Why ratings of Taobao and Tmall do not count. One row per card and reason, whose cause `evidence` tells.
{{ config(materialized='view') }}

with ratings as (select * from {{ ref('int_taobao__ratings') }}),

accounts as (select * from {{ source('taobao', 'accounts') }}),

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
)

select * from repeated
union all
select * from of_service_assistants
