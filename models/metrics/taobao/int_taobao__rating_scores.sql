-- What each rating of Taobao and Tmall adds to the satisfaction rates when it counts, and whether it does. One row per metric
-- and rating.
{{ config(materialized='view') }}

with ratings as (
    select *, card_id as judged_id, card_id as unit_id, ['rating_submissions/' || submission_id] as rests_on
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
        is_satisfied::integer as numerator, 1 as denominator, rests_on, exclusion_reasons = ['not_human'] as is_counted,
        list_filter(exclusion_reasons, lambda reason: reason <> 'not_human') as reasons
    from ratings
    where list_contains(exclusion_reasons, 'not_human')
),

scored as (
    select * from satisfied
    union all
    select * from of_service_assistants
)

select
    * exclude (reasons),
    case when len(reasons) = 1 then reasons[1] end as left_out_by,
    []::varchar[] as remarks,
    false as is_boundary,
    null::boolean as is_counted_other_way,
    null::integer as numerator_other_way
from scored
