-- Where does the platform publish another figure, and what would explain it?
-- 哪些数字与平台不一致，可能的原因是什么？

select
    r.platform, r.shop_id, r.metric, r.period, r.period_end, r.official_value, r.computed_value,
    e.reason, e.items, e.value_if
from marts.reconciliation r
left join marts.reconciliation_reasons e
    on
        r.platform = e.platform
        and r.metric = e.metric
        and r.subject = e.subject
        and r.shop_id = e.shop_id
        and r.account_id is not distinct from e.account_id
        and r.period = e.period
        and r.period_end = e.period_end
where r.status = 'differs'
order by r.platform asc, r.shop_id asc, r.metric asc, r.period_end asc, e.items desc, e.reason asc
