-- Which published figures changed afterwards, and by how much?
-- 哪些已发布的数字后来变了，变了多少？

select
    platform, metric, subject, shop_id, account_id, period, period_end, revision, value,
    value - lag(value) over (
        partition by platform, metric, subject, shop_id, account_id, period, period_end order by revision
    ) as change
from marts.metric_revisions
qualify max(revision) over (partition by platform, metric, subject, shop_id, account_id, period, period_end) > 1
order by
    abs(change) desc nulls last, platform asc, metric asc, shop_id asc, account_id asc, period asc, period_end asc, revision asc
limit 20
