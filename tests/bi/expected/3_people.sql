-- accounts
select platform(platform) as platform, shop(platform, shop_id) as shop, who(platform, shop_id, account_id) as account, account_id,
    count(*) filter (is_counted) as counted, count(*) filter (is_counted and not is_on_time) as late,
    count(*) filter (is_counted and not is_on_time) / nullif(count(*) filter (is_counted), 0) as share_late,
    avg(response_seconds) filter (is_counted) as mean_seconds, median(response_seconds) filter (is_counted) as median_seconds
from marts.rounds where account_id is not null group by platform, shop_id, account_id;
-- satisfaction
select platform(platform) as platform, shop(platform, shop_id) as shop, who(platform, shop_id, account_id) as account, account_id,
    title(platform, metric) as metric, sum(numerator) / sum(denominator) as value, sum(numerator) as numerator, sum(denominator) as denominator
from marts.service_metrics where period = 'day' and account_id is not null and metric in ('satisfaction_rate', 'positive_rating_rate')
group by platform, shop_id, account_id, metric;
-- buyers_by_day
select business_date as date, shop(platform, shop_id) as series, sum(received_buyers) as value
from marts.reception_daily where account_id is not null group by all;
-- workload
select platform(platform) as platform, shop(platform, shop_id) as shop, who(platform, shop_id, account_id) as account, account_id,
    sum(received_buyers) as buyer_days, sum(unreplied_buyers) as unreplied_buyer_days, sum(buyer_messages) as buyer_messages,
    sum(agent_messages) as agent_messages, sum(agent_characters) as agent_characters, sum(agent_messages) / nullif(sum(buyer_messages), 0) as answer_ask_ratio,
    sum(answered_consultations) / nullif(sum(consultations), 0) as reply_rate, sum(slow_buyers) as slow_buyer_days, sum(long_buyers) as long_buyer_days
from marts.reception_daily where account_id is not null group by platform, shop_id, account_id;
