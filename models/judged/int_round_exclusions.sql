-- Why rounds of the dates being built do not count for a reason that platforms share. One row per round and reason, whose cause
-- `evidence` tells. Which clause gives the reason on a platform stands in the seed exclusion_reasons.
{{ config(materialized='view') }}

with rounds as (select * from {{ ref('int_rounds') }}),

rules as (select * from {{ ref('round_rules') }}),

exempt_periods as (select * from {{ ref('exempt_periods') }}),

-- Those that have any such reason, few of many: what is read more than once below is worked out with all of its columns.
left_out as (
    select
        r.*,
        u.window_start,
        u.window_end,
        r.clock_started_at + u.reply_horizon as answered_until,
        e.first_date as exempt_from,
        e.last_date as exempt_to
    from rounds r
    join rules u on r.rule_version = u.rule_version
    left join exempt_periods e on u.scope = e.scope and r.business_date between e.first_date and e.last_date
    where (r.is_waiting and r.reply_kind is null) or r.reply_kind = 'B' or r.segment <> 'in' or e.scope is not null
),

never_routed as ( -- T-04, T-09, K-02: it waited for a human, with a bot or in the pool, and never got one
    select
        platform,
        round_id as judged_id,
        'not_routed_to_human' as reason,
        'waited from ' || clock_started_at || ' on, and nobody took it over or replied by ' || answered_until as evidence
    from left_out
    where is_waiting and reply_kind is null
),

bot_replies as ( -- T-06, K-02: a full-auto bot answered before any human
    select
        platform,
        round_id as judged_id,
        'non_human_reply' as reason,
        'a bot wrote ' || first_reply_id || ' at ' || first_reply_at as evidence
    from left_out
    where reply_kind = 'B'
),

outside_window as ( -- T-07, K-01; T-10: released from the pool outside the window
    select
        platform,
        round_id as judged_id,
        'outside_window' as reason,
        'the clock started at ' || clock_started_at || ', the window is ' || {{ hour_minute('window_start') }}
        || ' to ' || {{ hour_minute('window_end') }} as evidence
    from left_out
    where segment <> 'in'
),

exempt as ( -- T-28, K-09: days that the platform leaves out of its figures
    select
        platform,
        round_id as judged_id,
        'exempt_period' as reason,
        'the platform left out ' || exempt_from || ' to ' || exempt_to as evidence
    from left_out
    where exempt_from is not null
)

select * from never_routed
union all
select * from bot_replies
union all
select * from outside_window
union all
select * from exempt
