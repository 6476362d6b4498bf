-- What each round of Kuaishou adds to a metric when it counts, and whether it does. K-03: people are counted, K-11: or sessions;
-- the rounds of one (unit_id) on a day count once, as missed where any of them was. One row per metric and round. A round is read
-- once for both metrics: where anything is read twice, DuckDB works out what nobody asks for as well.
{{ config(materialized='view') }}

with rounds as (select * from {{ ref('int_round_edges') }} where platform = 'kuaishou'),

metrics as (select m.metric from (values ('human_reply_rate_3min'), ('human_reply_rate_3min_sessions')) m (metric))

select
    m.metric,
    r.round_id as judged_id,
    case when m.metric = 'human_reply_rate_3min' then r.customer_id else r.conversation_id end as unit_id,
    r.shop_id,
    r.account_id,
    r.business_date,
    r.is_on_time::integer as numerator,
    1 as denominator,
    r.is_counted,
    r.left_out_by,
    {{ empty_list() }} as remarks,
    r.is_boundary,
    r.is_counted_other_way,
    r.is_on_time_other_way::integer as numerator_other_way,
    r.rests_on
from rounds r
cross join metrics m
