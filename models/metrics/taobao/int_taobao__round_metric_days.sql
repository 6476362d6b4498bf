-- The daily figures of Taobao's metrics over rounds. One row per metric, shop or account, and date.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

with rounds as (
    select *
    from {{ ref('int_judged_rounds') }}
    where
        platform = 'taobao'
        and is_counted
        and business_date in (select business_date from {{ ref('build_dates') }} where platform = 'taobao')
),

rules as (select * from {{ ref('taobao_rules') }}),

answered_in_time as (
    select 'response_rate_3min' as metric, shop_id, account_id, business_date, is_on_time::integer as numerator, 1 as denominator
    from rounds
),

-- Each round at most the cap; an unanswered one counts as much as the rules of its day say, and not at all before they said so.
response_times as (
    select
        'avg_response_seconds' as metric,
        r.shop_id,
        r.account_id,
        r.business_date,
        case
            when r.response_seconds is null then u.unanswered_response_seconds
            else least(r.response_seconds, u.response_cap_seconds)
        end as numerator,
        1 as denominator
    from rounds r
    join rules u on r.rule_version = u.rule_version
    where r.response_seconds is not null or u.unanswered_response_seconds is not null
),

scored as (
    select * from answered_in_time
    union all
    select * from response_times
)

{{ metric_days('scored') }}
