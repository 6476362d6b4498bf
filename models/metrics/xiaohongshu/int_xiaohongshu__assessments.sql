-- X-12: the months of the three metrics that have a target; a month is there when any session of it counts. One
-- row per shop and month.
with months as (
    select *
    from {{ ref('int_metric_values') }}
    where platform = 'xiaohongshu' and subject = 'shop' and period = 'month'
),

side_by_side as (
    select
        shop_id,
        period_start as month,
        max(value) filter (where metric = 'first_response_rate_45s') as first_response_rate_45s,
        max(value) filter (where metric = 'avg_reply_interval_seconds') as avg_reply_interval_seconds,
        max(value) filter (where metric = 'satisfaction_rate') as satisfaction_rate,
        bool_and(is_met) filter (where metric = 'first_response_rate_45s') as is_first_response_met,
        bool_and(is_met) filter (where metric = 'avg_reply_interval_seconds') as is_reply_interval_met,
        bool_and(is_met) filter (where metric = 'satisfaction_rate') as is_satisfaction_met
    from months
    group by shop_id, period_start
)

select
    *,
    case
        when coalesce(first_response_rate_45s, avg_reply_interval_seconds, satisfaction_rate) is not null -- or nothing is passed
            then
                coalesce(is_first_response_met, true)
                and coalesce(is_reply_interval_met, true)
                and coalesce(is_satisfaction_met, true)
    end as is_passed
from side_by_side
