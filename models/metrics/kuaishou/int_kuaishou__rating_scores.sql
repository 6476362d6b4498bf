-- What each rating of Kuaishou adds to a metric when it counts, and whether it does: K-05, the share of satisfied ones, and K-11,
-- of disappointed ones. One row per metric and rating.
{{ config(materialized='view') }}

with ratings as (select * from {{ ref('int_kuaishou__judged_ratings') }}),

metrics as (select m.metric from (values ('positive_rating_rate'), ('negative_rating_rate')) m (metric))

select
    m.metric,
    r.card_id as judged_id,
    r.card_id as unit_id,
    r.shop_id,
    r.agent_id as account_id,
    r.business_date,
    case when m.metric = 'positive_rating_rate' then r.is_satisfied else r.level = 'disappointed' end::integer as numerator,
    1 as denominator,
    r.is_counted,
    case when {{ length_of('r.exclusion_reasons') }} = 1 then {{ first_of('r.exclusion_reasons') }} end as left_out_by,
    {{ empty_list() }} as remarks,
    false as is_boundary,
    null::boolean as is_counted_other_way,
    null::integer as numerator_other_way,
    {{ list_of(["'rating_cards/' || r.card_id"]) }} as rests_on
from ratings r
cross join metrics m
