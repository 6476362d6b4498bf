-- What each round of Taobao and Tmall adds to the metrics over rounds when it counts, and whether it does. One row per metric and
-- round.
{{ config(materialized='view') }}

with rounds as (select *, round_id as judged_id, round_id as unit_id from {{ ref('int_round_edges') }} where platform = 'taobao'),

rules as (select * from {{ ref('taobao_rules') }}),

answered_in_time as (
    select
        'response_rate_3min' as metric, judged_id, unit_id, shop_id, account_id, business_date,
        is_on_time::integer as numerator, 1 as denominator, is_counted, left_out_by, rests_on,
        is_boundary, is_counted_other_way, is_on_time_other_way::integer as numerator_other_way
    from rounds
),

-- Each round at most the cap; an unanswered one counts as much as the rules of its day say, and not at all before they said so.
response_times as (
    select
        'avg_response_seconds' as metric, r.judged_id, r.unit_id, r.shop_id, r.account_id, r.business_date,
        case
            when r.response_seconds is null then u.unanswered_response_seconds
            else least(r.response_seconds, u.response_cap_seconds)
        end as numerator,
        1 as denominator, r.is_counted, r.left_out_by, r.rests_on,
        false as is_boundary, null as is_counted_other_way, null as numerator_other_way
    from rounds r
    join rules u on r.rule_version = u.rule_version
    where r.response_seconds is not null or u.unanswered_response_seconds is not null
)

select *, {{ empty_list() }} as remarks from answered_in_time
union all
select *, {{ empty_list() }} from response_times
