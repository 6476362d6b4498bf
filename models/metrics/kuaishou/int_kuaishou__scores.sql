-- What each round and rating of Kuaishou adds to a metric when it counts, and whether it does. One row per metric and round or
-- rating.
{{ config(materialized='view') }}

select
    metric, judged_id, unit_id, shop_id, account_id, business_date, numerator, denominator, is_counted, left_out_by, remarks,
    is_boundary, is_counted_other_way, numerator_other_way, rests_on
from {{ ref('int_kuaishou__round_scores') }}
union all
select
    metric, judged_id, unit_id, shop_id, account_id, business_date, numerator, denominator, is_counted, left_out_by, remarks,
    is_boundary, is_counted_other_way, numerator_other_way, rests_on
from {{ ref('int_kuaishou__rating_scores') }}
