-- How the figures of the published figures' days would differ, by what could explain a difference. K-03: people are counted
-- anew, with all their rounds of the day. One row per platform, metric, shop or account (null: the shop), date and reason.
with scores as (select * from {{ ref('int_reconciliation_scores') }}),

cases as (select * from {{ ref('int_reconciliation_cases') }}),

subject_cases as (
    select {{ all_but(['account_id']) }}, null as account_id from cases
    union all
    select {{ all_but(['account_id']) }}, account_id from cases where account_id is not null
),

units as (
    select distinct platform, metric, reason, shop_id, account_id, business_date, unit_id from subject_cases
),

members as ( -- of each unit that anything changes of, all that counts or would
    select
        u.*,
        s.judged_id,
        s.denominator,
        s.is_counted as counts_now,
        s.numerator as numerator_now,
        coalesce(c.counts_then, s.is_counted) as counts_then,
        coalesce(c.numerator_then, s.numerator) as numerator_then,
        c.judged_id is not null as is_case
    from units u
    join scores s
        on
            u.platform = s.platform
            and u.metric = s.metric
            and u.shop_id = s.shop_id
            and u.business_date = s.business_date
            and u.unit_id = s.unit_id
            and coalesce(u.account_id = s.account_id, u.account_id is null)
    left join cases c
        on s.platform = c.platform and s.metric = c.metric and s.judged_id = c.judged_id and u.reason = c.reason
),

changes as (
    select
        platform,
        metric,
        reason,
        shop_id,
        account_id,
        business_date,
        unit_id,
        count(*) filter (where is_case) as items,
        min(judged_id) filter (where is_case) as example_id,
        coalesce(min(numerator_then) filter (where counts_then), 0)
        - coalesce(min(numerator_now) filter (where counts_now), 0) as numerator_change,
        coalesce(max(denominator) filter (where counts_then), 0)
        - coalesce(max(denominator) filter (where counts_now), 0) as denominator_change
    from members
    group by all
)

select
    platform,
    metric,
    reason,
    shop_id,
    account_id,
    business_date,
    sum(items)::bigint as items,
    min(example_id) as example_id,
    -- decimals, so that sums do not depend on the order of rows
    sum(numerator_change::decimal(18, 6)) as numerator_change,
    sum(denominator_change::decimal(18, 6)) as denominator_change
from changes
group by all
