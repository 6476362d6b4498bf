-- Each figure of the periods within a range as it is published and as it was simulated.
create or replace temp table compared as
with published_figures as (
    select * from published.marts.service_metrics where period_start >= $since and period_end <= $until
),

simulated_figures as (select * from marts.service_metrics where period_start >= $since and period_end <= $until)

select
    coalesce(p.platform, s.platform) as platform,
    coalesce(p.metric, s.metric) as metric,
    coalesce(p.subject, s.subject) as subject,
    coalesce(p.shop_id, s.shop_id) as shop_id,
    coalesce(p.account_id, s.account_id) as account_id,
    coalesce(p.period, s.period) as period,
    coalesce(p.period_start, s.period_start) as period_start,
    coalesce(p.period_end, s.period_end) as period_end,
    p.value as published_value,
    s.value as simulated_value,
    p.numerator as published_numerator,
    s.numerator as simulated_numerator,
    p.denominator as published_denominator,
    s.denominator as simulated_denominator,
    coalesce(s.target, p.target) as target,
    p.is_met as was_met,
    s.is_met,
    coalesce(s.is_assessment_period, p.is_assessment_period) as is_assessment_period
from published_figures p
full join simulated_figures s
    on
        p.platform = s.platform
        and p.metric = s.metric
        and p.subject = s.subject
        and p.shop_id = s.shop_id
        and p.account_id is not distinct from s.account_id
        and p.period = s.period
        and p.period_start = s.period_start
        and p.period_end = s.period_end
