-- The daily figures of Taobao's metrics over ratings. One row per metric, shop or account, and date. Built whole, as the ratings
-- are: a change alters the figures of the day of the first submission.
with ratings as (select * from {{ ref('int_taobao__judged_ratings') }}),

cards as (select * from {{ source('taobao', 'rating_cards') }} where trigger = 'system_invite'),

rated as (
    select metric, shop_id, account_id, business_date, numerator, denominator
    from {{ ref('int_taobao__rating_scores') }}
    where is_counted
),

answered_invitations as ( -- T-35: of the day's invitations, those that were answered ever, whether the rating counts or not
    select
        'rating_participation_rate' as metric,
        shop_id,
        account_id,
        sent_at::date as business_date,
        (card_id in (select card_id from ratings))::integer as numerator,
        1 as denominator
    from cards
),

scored as (
    select * from rated
    union all
    select * from answered_invitations
)

{{ metric_days('scored') }}
