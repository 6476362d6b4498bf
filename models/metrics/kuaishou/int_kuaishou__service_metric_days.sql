-- The daily figures of replies and ratings at Kuaishou. One row per metric, shop or account, and date.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

with dates as (select business_date from {{ ref('build_dates') }} where platform = 'kuaishou'),

rounds as (
    select * from {{ ref('int_judged_rounds') }}
    where platform = 'kuaishou' and is_counted and business_date in (select business_date from dates)
),

ratings as (
    select * from {{ ref('int_kuaishou__judged_ratings') }}
    where is_counted and business_date in (select business_date from dates)
),

-- K-03: people are counted, not rounds; of an account, those of the rounds it is responsible for.
people as (
    select 'shop' as subject, shop_id, null as account_id, business_date, customer_id, bool_and(is_on_time) as is_answered
    from rounds
    group by all
    union all
    select 'account' as subject, shop_id, account_id, business_date, customer_id, bool_and(is_on_time)
    from rounds
    where account_id is not null
    group by all
),

answered_people as (
    select
        'human_reply_rate_3min' as metric,
        subject,
        shop_id,
        account_id,
        business_date,
        sum(is_answered::integer::decimal(18, 6)) as numerator,
        sum(1::decimal(18, 6)) as denominator
    from people
    group by all
),

satisfied as ( -- K-05
    select
        'positive_rating_rate' as metric,
        shop_id,
        agent_id as account_id,
        business_date,
        is_satisfied::integer as numerator,
        1 as denominator
    from ratings
)

select * from answered_people
union all
{{ metric_days('satisfied') }}
