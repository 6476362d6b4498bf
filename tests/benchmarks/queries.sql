-- Shops that missed the target they were assessed by, the last time
select platform, metric, shop_id, period_end, value, target
from service_metrics
where subject = 'shop' and is_assessment_period and is_assessed and is_complete and not is_met
qualify row_number() over (partition by platform, metric, shop_id order by period_end desc) = 1
order by all;

-- The response rate of Taobao day by day over all shops
select period_start, sum(numerator) / sum(denominator) as response_rate
from service_metrics
where platform = 'taobao' and metric = 'response_rate_3min' and subject = 'shop' and period = 'day'
group by all order by all;

-- The ten slowest shops of Taobao in the last month
select shop_id, sum(numerator) / sum(denominator) as seconds
from service_metrics
where
    platform = 'taobao' and metric = 'avg_response_seconds' and subject = 'shop' and period = 'day'
    and period_start > (select max(business_date) from taobao_rounds) - 30
group by all order by seconds desc, shop_id limit 10;

-- The accounts that answered fewest of their rounds in time, with at least 20
select platform, shop_id, account_id, count(*) as rounds, avg(is_on_time::integer) as on_time
from rounds
where is_counted and account_id is not null
group by all having count(*) >= 20 order by on_time, platform, shop_id, account_id limit 20;

-- Rounds by hour and weekday
select platform, isodow(clock_started_at) as weekday, hour(clock_started_at) as hour, count(*) as rounds, avg(is_on_time::integer)
from rounds
group by all order by all;

-- Why rounds do not count, by platform and month
select platform, date_trunc('month', business_date) as month, reason, sum(rounds) as rounds
from exclusion_summary
group by all order by all;

-- Median and 95 % of the response times by platform and month
select
    platform, date_trunc('month', business_date) as month,
    quantile_cont(response_seconds, [0.5, 0.95]) as seconds
from rounds
where is_counted and response_seconds is not null
group by all order by all;

-- The rounds that cost a shop its target yesterday
select round_id, account_id, clock_started_at, first_reply_at, response_seconds
from taobao_rounds
where
    shop_id = (select min(shop_id) from taobao_rounds)
    and business_date = (select max(business_date) from taobao_rounds)
    and is_counted and not is_on_time
order by clock_started_at;

-- Buyers who had to wait more than once in a week
select platform, shop_id, buyer_id, date_trunc('week', business_date) as week, count(*) as late
from rounds
where is_counted and not is_on_time
group by all having count(*) > 1 order by late desc, platform, shop_id, buyer_id, week limit 100;

-- One buyer's rounds on all platforms
select *
from rounds
where buyer_id = (select max(buyer_id) from taobao_rounds)
order by clock_started_at;

-- Consultations and replies of the last seven days by shop
select platform, shop_id, sum(consultations), sum(answered_consultations), sum(messages)
from reception_daily
where account_id is null and business_date > (select max(business_date) from reception_daily) - 7
group by all order by all;

-- The busiest accounts of each month
with messages as (
    select platform, date_trunc('month', business_date) as month, account_id, sum(agent_messages) as messages
    from reception_daily
    where account_id is not null
    group by all
)

select *
from messages
qualify row_number() over (partition by platform, month order by messages desc, account_id) <= 3
order by all;

-- Satisfaction by month over all shops
select platform, date_trunc('month', business_date) as month, sum(very_satisfied + satisfied) / nullif(sum(ratings), 0) as satisfied
from rating_daily
where account_id is null
group by all order by all;

-- Dissatisfied ratings of Taobao with the rounds of that buyer on that day
select r.card_id, r.shop_id, r.account_id, r.eval_code, count(o.round_id) as rounds, max(o.response_seconds) as slowest
from taobao_ratings r
join taobao_rounds o on r.shop_id = o.shop_id and r.buyer_id = o.buyer_id and r.business_date = o.business_date
where r.is_counted and not r.is_satisfied
group by all order by all;

-- Dissatisfied buyers who were won back, by month
select date_trunc('month', first_rated_at) as month, count(*) as ratings, count(*) filter (where is_recovered) as recovered
from taobao_rating_recoveries
group by all order by all;

-- What is at risk now
select platform, metric, shop_id, value, target, needed_numerator, allowed_numerator
from metric_outlook
where status in ('at_risk', 'lost')
order by all;

-- Entries that should have been received with priority and were not
select shop_id, outcome, count(*) as entries
from taobao_priority_receptions
where not routed_as_expected
group by all order by all;

-- Hours in which nobody answered
select shop_id, hour, count(*) as gaps
from xiaohongshu_coverage
where is_gap
group by all order by gaps desc, shop_id, hour limit 50;

-- Accounts whose response rate fell by ten points from one month to the next
select platform, metric, shop_id, account_id, month, value, value - lag(value) over (
    partition by platform, metric, shop_id, account_id, period order by month
) as change
from service_metrics
where subject = 'account' and period in ('month', 'calendar_month') and metric in ('response_rate_3min', 'human_reply_rate_3min')
qualify change < -0.1
order by all;

-- Figures that differed from those published before
select platform, metric, count(*) as revisions, max(revision) as most
from metric_revisions
where revision > 1
group by all order by all;
