-- freshness
select platform(platform) as platform, table_name as delivered_table, last_dt as last_delivery, last_event_at as last_event, row_count as delivered_rows,
    rejected_row_count as rejected_rows
from marts.data_freshness;
-- missing
select dt as date, platform(platform) as platform, table_name as delivered_table, usual_row_count as usual_rows
from marts.delivery_status where not is_delivered;
-- rows_by_day
select dt as date, sum(row_count) as delivered_rows, sum(rejected_row_count) as rejected_rows from marts.delivery_status group by all;
-- lateness
select platform(platform) as platform, table_name as delivered_table, days_late, row_count as delivered_rows, landed_share from marts.delivery_lateness;
-- revisions
select platform(a.platform) as platform, shop(a.platform, a.shop_id) as shop, who(a.platform, a.shop_id, a.account_id) as account,
    title(a.platform, a.metric) as metric, zh(a.period) as period, a.period_end, a.revision, shown(b.value, unit(a.platform, a.metric)) as value_before,
    shown(a.value, unit(a.platform, a.metric)) as value, a.published_at
from marts.metric_revisions a
join marts.metric_revisions b
    on a.platform = b.platform and a.metric = b.metric and a.subject = b.subject and a.shop_id = b.shop_id
    and a.account_id is not distinct from b.account_id and a.period = b.period and a.period_end = b.period_end and a.revision = b.revision + 1;
-- coverage
select platform(platform) as platform, title(platform, metric) as metric, table_name as delivered_table, is_required, effect_zh as effect
from marts.metric_coverage where not is_delivered;
