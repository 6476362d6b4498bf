-- The platforms' own figures of the sample, as a shop would download them, made of what the marts say: most are the computed ones,
-- as rounded as platforms round. The first shop of each platform has one where the platform did not look at a reason that keeps rounds,
-- ratings or sessions out (it differs with a reason), and one of the month before the sample (nothing is computed to compare it with).
with shops as (
    select platform, min(shop_id) as first_shop_id, max(period_end) as last_date
    from marts.service_metrics
    where subject = 'shop' and period = 'day'
    group by platform
),

computed as (
    select m.*, s.first_shop_id, s.last_date
    from marts.service_metrics m
    join shops s on m.platform = s.platform
    where
        m.subject = 'shop'
        and m.is_complete
        and (
            (m.period = 'day' and m.period_end between s.last_date - 7 and s.last_date - 1)
            or m.month = date_trunc('month', s.last_date)
        )
),

seen_otherwise as (
    select 'taobao' as platform, 'response_rate_3min' as metric, shop_id, business_date, is_on_time as is_good
    from marts.taobao_rounds
    where exclusion_reasons = ['outside_window']
    union all
    select 'kuaishou', 'positive_rating_rate', shop_id, business_date, is_satisfied
    from marts.kuaishou_ratings
    where exclusion_reasons = ['card_sent_outside_window']
    union all
    select 'xiaohongshu', 'reply_rate_24h', shop_id, business_date, is_replied_24h
    from marts.xiaohongshu_sessions
    where exclusion_reasons = ['merchant_initiated']
),

differing as (
    select
        c.platform, c.shop_id, c.metric, c.period, c.period_end,
        c.numerator + count(*) filter (where o.is_good) as numerator,
        c.denominator + count(*) as denominator
    from computed c
    join seen_otherwise o
        on
            c.platform = o.platform
            and c.metric = o.metric
            and c.shop_id = o.shop_id
            and o.business_date between c.period_start and c.period_end
    where c.shop_id = c.first_shop_id and c.period = 'month'
    group by c.platform, c.shop_id, c.metric, c.period, c.period_end, c.numerator, c.denominator
),

figures as (
    select
        c.platform, c.shop_id, c.metric, c.period, c.period_end,
        coalesce(d.numerator, c.numerator) as numerator,
        coalesce(d.denominator, c.denominator) as denominator
    from computed c
    left join differing d using (platform, shop_id, metric, period, period_end)
    union all
    select platform, shop_id, metric, period, (date_trunc('month', last_date) - interval 1 month - interval 1 day)::date,
        numerator, denominator
    from computed
    where shop_id = first_shop_id and period = 'month' and (platform, metric) in (select (platform, metric) from seen_otherwise)
)

select
    platform,
    shop_id,
    null::varchar as account_id,
    metric,
    period,
    period_end,
    numerator,
    denominator,
    round(numerator / denominator, 4) as value
from figures
