-- The ratings that were not satisfied at first, and whether each was won back or still can be. One row per card. Built whole:
-- whether a rating can still be changed depends on the as-of time.
with ratings as (select * from {{ ref('int_taobao__unsatisfied_ratings') }} where not was_satisfied_at_first),

as_of as (select as_of from {{ ref('as_of') }} where platform = 'taobao')

select
    r.card_id,
    r.shop_id,
    r.buyer_id,
    r.account_id,
    r.first_rated_at,
    r.first_eval_code,
    r.eval_code as current_eval_code,
    r.is_satisfied as is_recovered,
    r.edits_left,
    r.editable_until,
    r.edits_left > 0 and a.as_of < r.editable_until as is_editable,
    r.second_line_available
from ratings r
cross join as_of a
