-- periods_met
select count(*) as periods_met from marts.metric_outlook where status = 'met';
-- periods_at_risk
select count(*) as periods_at_risk from marts.metric_outlook where status = 'at_risk';
-- periods_lost
select count(*) as periods_lost from marts.metric_outlook where status in ('lost', 'missed');
-- outlook
select platform(platform) as platform, shop(platform, shop_id) as shop, title(platform, metric) as metric, shown(value, unit) as value,
    shown(target, unit) as target, zh(status) as status, denominator, days_left, expected_denominator as expected,
    needed_numerator as needed, allowed_numerator as allowed, period_start, period_end
from marts.metric_outlook;
-- rates_by_day
select period_end as date, platform(platform) || ', ' || title(platform, metric) as series, sum(numerator) / sum(denominator) as value
from marts.service_metrics
where period = 'day' and account_id is null and metric not like '%seconds' and target is not null group by all;
-- seconds_by_day
select period_end as date, platform(platform) || ', ' || title(platform, metric) as series, sum(numerator) / sum(denominator) as value
from marts.service_metrics where period = 'day' and account_id is null and metric like '%seconds' group by all;
-- open_rounds
select zh(state) as status, platform(platform) as platform, shop_id, account_id, clock_started_at as since, answer_due_at as due_at,
    round(waiting_seconds) as waiting_seconds, is_in_window, conversation_id
from live.open_rounds order by clock_started_at nulls last limit 1000;
-- bad_ratings
select platform(platform) as platform, shop_id, account_id, rated_at, value as rating, editable_until, edits_left, second_line_available, card_id
from live.bad_ratings order by rated_at desc limit 1000;
