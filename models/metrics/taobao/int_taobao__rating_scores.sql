-- What each rating of Taobao and Tmall adds to the satisfaction rates when it counts, and whether it does. One row per metric
-- and rating.
{{ config(materialized='view') }}

with ratings as (
    select *, card_id as judged_id, card_id as unit_id, {{ list_of(["'rating_submissions/' || submission_id"]) }} as rests_on
    from {{ ref('int_taobao__judged_ratings') }}
),

satisfied as ( -- T-35, T-36
    select
        'satisfaction_rate' as metric, judged_id, unit_id, shop_id, account_id, business_date,
        is_satisfied::integer as numerator, 1 as denominator, rests_on, is_counted, exclusion_reasons as reasons
    from ratings
),

of_service_assistants as ( -- T-37: who is no human is out for that reason alone
    select
        'assistant_satisfaction_rate' as metric, judged_id, unit_id, shop_id, account_id, business_date,
        is_satisfied::integer as numerator, 1 as denominator, rests_on,
        exclusion_reasons = {{ list_of(["'not_human'"]) }} as is_counted,
        {{ items_where('exclusion_reasons', "item <> 'not_human'") }} as reasons
    from ratings
    where array_contains(exclusion_reasons, 'not_human')
),

scored as (
    select * from satisfied
    union all
    select * from of_service_assistants
)

select
    {{ all_but(['reasons']) }},
    case when {{ length_of('reasons') }} = 1 then {{ first_of('reasons') }} end as left_out_by,
    {{ empty_list() }} as remarks,
    false as is_boundary,
    null::boolean as is_counted_other_way,
    null::integer as numerator_other_way
from scored
