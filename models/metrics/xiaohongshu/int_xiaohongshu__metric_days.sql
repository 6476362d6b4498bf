-- The daily figures of Xiaohongshu's metrics. One row per metric, shop or account, and date. X-13: the worked example of the
-- source is a month of these.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}

with sessions as (
    select *
    from {{ ref('int_xiaohongshu__judged_sessions') }}
    where
        is_counted
        and business_date in (select business_date from {{ ref('build_dates') }} where platform = 'xiaohongshu')
),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

first_responses as ( -- X-02: only sessions entered in the working hours
    select
        'first_response_rate_45s' as metric, shop_id, account_id, business_date,
        is_on_time::integer as numerator, 1 as denominator
    from sessions
    where in_work_hours
),

replied as ( -- X-04
    select
        'reply_rate_24h' as metric, shop_id, account_id, business_date,
        is_replied_24h::integer as numerator, 1 as denominator
    from sessions
),

satisfied as ( -- X-07
    select
        'satisfaction_rate' as metric, s.shop_id, s.account_id, s.business_date,
        (s.stars >= r.satisfied_min_stars)::integer as numerator, 1 as denominator
    from sessions s
    join rules r on s.rule_version = r.rule_version
    where s.stars is not null
),

rated as ( -- X-08
    select
        'rating_participation_rate' as metric, shop_id, account_id, business_date,
        (stars is not null)::integer as numerator, 1 as denominator
    from sessions
),

reply_intervals as ( -- X-09: per session that has an interval
    select
        'avg_reply_interval_seconds' as metric, shop_id, account_id, business_date,
        reply_interval_seconds as numerator, 1 as denominator
    from sessions
    where reply_intervals > 0
),

reply_gaps as ( -- X-09: per interval
    select
        'avg_reply_gap_seconds' as metric, shop_id, account_id, business_date,
        reply_interval_seconds as numerator, reply_intervals as denominator
    from sessions
    where reply_intervals > 0
),

first_response_times as ( -- X-10
    select
        'avg_first_response_seconds' as metric, shop_id, account_id, business_date,
        first_response_seconds as numerator, 1 as denominator
    from sessions
    where is_replied_24h
),

scored as (
    select * from first_responses
    union all
    select * from replied
    union all
    select * from satisfied
    union all
    select * from rated
    union all
    select * from reply_intervals
    union all
    select * from reply_gaps
    union all
    select * from first_response_times
)

{{ metric_days('scored') }}
