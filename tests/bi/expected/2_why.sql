-- steps
with lost as (select platform, first_reason as reason, count(*) as rounds from marts.rounds where not is_counted group by all)
select '00 全部轮次' as step, count(*) as rounds from marts.rounds
union all
select printf('%02d %s %s', sort_order, text_zh, clause_id), -sum(rounds) from lost join marts.exclusion_reasons using (platform, reason) group by 1;
-- reasons
select platform(r.platform) as platform, case when r.is_counted then '计入' else e.text_zh end as reason, e.clause_id as clause, count(*) as rounds
from marts.rounds r left join marts.exclusion_reasons e on r.platform = e.platform and r.first_reason = e.reason group by all;
-- late_by_hour
select hour(clock_started_at) as hour, isodow(clock_started_at) || ' ' || ['周一', '周二', '周三', '周四', '周五', '周六', '周日'][isodow(clock_started_at)] as weekday,
    avg((not is_on_time)::int) as share_late
from marts.rounds where is_counted and clock_started_at is not null group by all;
-- late_rounds
select business_date as date, platform(platform) as platform, shop(platform, shop_id) as shop, who(platform, shop_id, account_id) as account,
    clock_started_at as since, first_reply_at as answered, response_seconds as seconds, round_id
from marts.rounds where is_counted and not is_on_time order by clock_started_at desc, round_id limit 20;
-- rounds
select business_date as date, platform(platform) as platform, shop(platform, shop_id) as shop, who(platform, shop_id, account_id) as account,
    clock_started_at as since, response_seconds as seconds, case when not is_counted then '未计入' when is_on_time then '按时' else '超时' end as verdict, round_id,
    (select string_agg(text_zh || ' (' || clause_id || ')', '; ' order by sort_order) from marts.exclusion_reasons e
        where e.platform = r.platform and list_contains(r.exclusion_reasons, e.reason)) as why
from marts.rounds r order by clock_started_at desc, round_id limit 20;
