-- What each round and rating of Kuaishou adds to a metric when it counts, and whether it does. K-03: people are counted, K-11:
-- or sessions; the rounds of one (unit_id) on a day count once, as missed where any of them was. One row per metric and round
-- or rating.
{{ config(materialized='view') }}

with rounds as (select *, round_id as judged_id from {{ ref('int_round_edges') }} where platform = 'kuaishou'),

ratings as (select *, card_id as judged_id, agent_id as account_id from {{ ref('int_kuaishou__judged_ratings') }}),

rounds_of as (
    select 'human_reply_rate_3min' as metric, customer_id as unit_id, * from rounds
    union all
    select 'human_reply_rate_3min_sessions', conversation_id, * from rounds
),

answered as (
    select
        metric, judged_id, unit_id, shop_id, account_id, business_date, is_on_time::integer as numerator, is_counted, left_out_by,
        rests_on, is_boundary, is_counted_other_way, is_on_time_other_way::integer as numerator_other_way
    from rounds_of
),

rated as (
    select 'positive_rating_rate' as metric, *, is_satisfied::integer as numerator from ratings -- K-05
    union all
    select 'negative_rating_rate', *, (level = 'disappointed')::integer from ratings -- K-11
),

scored as (
    select * from answered
    union all
    select
        metric, judged_id, judged_id as unit_id, shop_id, account_id, business_date, numerator, is_counted,
        case when len(exclusion_reasons) = 1 then exclusion_reasons[1] end, ['rating_cards/' || judged_id], false, null, null
    from rated
)

select *, 1 as denominator, []::varchar[] as remarks from scored
