-- V-02: the ratings of Taobao and Tmall that are not satisfied and can still be changed at the moment. One row per card.
{{ config(materialized='view') }}

with ratings as (select * from {{ ref('int_taobao__unsatisfied_ratings') }} where not is_satisfied and edits_left > 0),

reasons as (select card_id, exclusion_reasons from {{ ref('int_taobao__judged_ratings') }}),

as_of as (select as_of from {{ ref('live_as_of') }} where platform = 'taobao')

select
    'card' as rated_kind,
    r.card_id,
    r.shop_id,
    r.buyer_id,
    r.account_id,
    r.first_rated_at as rated_at,
    r.eval_code::string as value,
    r.effective_changes > 0 as was_changed,
    r.editable_until,
    r.edits_left,
    r.second_line_available,
    e.exclusion_reasons
from ratings r
join reasons e on r.card_id = e.card_id
where r.editable_until > (select as_of from as_of)
