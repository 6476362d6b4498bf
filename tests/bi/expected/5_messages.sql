-- sending_by_day
select business_date as date, sum(streaks_reached_limit) as streaks_reached_limit, sum(exposures) as exposures, sum(clicks) as clicks
from marts.taobao_sending_daily where account_id is null group by all;
-- streaks
select shop('taobao', shop_id) as shop, case ended_by when 'buyer_reply' then '买家回复' when 'order' then '买家下单' else '仍在继续' end as ended_by,
    count(*) as streaks, count(reached_limit_at) as streaks_reached_limit, sum(messages_after_rejection) as messages_after_rejection
from marts.taobao_message_streaks group by shop_id, 2;
-- prompts
select shop('taobao', shop_id) as shop, zh(trigger) as brought_up_by, count(*) as prompts, count_if(is_exposed_in_time) as exposures,
    count_if(is_clicked_in_time) as clicks, count_if(is_clicked_in_time) / nullif(count_if(is_exposed_in_time), 0) as click_rate
from marts.taobao_rejection_prompts group by shop_id, trigger;
-- bands
select month, shop('taobao', shop_id) as shop, exposures, clicks, shown(click_rate, 'share') as click_rate, zh(band) as band, is_assessed
from marts.taobao_rejection_status;
-- limits
select month, shop('taobao', shop_id) as shop, zh(limit_kind) as limit_kind, starts_on, ends_on, exposures, shown(click_rate, 'share') as click_rate
from marts.taobao_message_limits;
