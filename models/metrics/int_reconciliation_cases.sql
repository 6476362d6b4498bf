-- What would count otherwise, by what could explain a difference from a published figure: who is out for one reason alone comes
-- in, who counts without a reply or rests on late data goes out, who is on an edge goes the other way. One row per platform,
-- metric, reason and round, session or rating.
{{ config(materialized='view') }}

with scores as (select * from {{ ref('int_reconciliation_scores') }}),

excluded as (
    select *, left_out_by as reason, true as counts_then, numerator as numerator_then
    from scores
    where not is_counted and left_out_by is not null
),

without_reply as (
    select *, {{ each_of('remarks') }} as reason, false as counts_then, numerator as numerator_then
    from scores
    where is_counted
),

late as (
    select *, 'late_data' as reason, false as counts_then, numerator as numerator_then
    from scores
    where is_counted and is_late
),

on_an_edge as (
    select *, 'boundary' as reason, is_counted_other_way as counts_then, numerator_other_way as numerator_then
    from scores
    where is_boundary
),

cases as (
    select * from excluded
    union all
    select * from without_reply
    union all
    select * from late
    union all
    select * from on_an_edge
)

select platform, metric, reason, judged_id, unit_id, shop_id, account_id, business_date, counts_then, numerator_then
from cases
