-- Why a rating does not count: one row per card and reason.
with ratings as (select * from {{ ref('int_taobao__ratings') }}),

accounts as (select * from {{ source('taobao', 'accounts') }}),

repeated as ( -- T-34: of what a buyer rated an account with on one day, all but what was first rated first
    select card_id, 'repeat_same_day' as reason
    from ratings
    qualify row_number() over (
        partition by shop_id, buyer_id, account_id, business_date order by first_rated_at, card_id
    ) > 1
),

of_service_assistants as ( -- T-37
    select r.card_id, 'not_human' as reason
    from ratings r
    join accounts a on r.account_id = a.account_id
    where a.account_type = 'service_assistant'
)

select * from repeated
union
select * from of_service_assistants
