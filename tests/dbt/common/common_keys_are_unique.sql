-- A mart for all platforms that has two rows of one key: sums over it count something twice.
-- To do: look at the rows' key in the raw tables; a delivery of it anew, or a mended model, sets it right.
{{ repeated_keys({
    'service_metrics': ['platform', 'metric', 'subject', 'shop_id', 'account_id', 'period', 'period_end'],
    'metric_coverage': ['platform', 'metric', 'table_name'],
    'shops': ['platform', 'shop_id'],
    'accounts': ['platform', 'shop_id', 'account_id'],
    'metric_revisions': ['platform', 'metric', 'subject', 'shop_id', 'account_id', 'period', 'period_end', 'revision'],
    'delivery_status': ['platform', 'table_name', 'dt'],
    'delivery_lateness': ['platform', 'table_name', 'days_late'],
    'metric_outlook': ['platform', 'metric', 'shop_id'],
    'reception_daily': ['platform', 'shop_id', 'account_id', 'business_date'],
    'rating_daily': ['platform', 'shop_id', 'account_id', 'business_date', 'origin'],
    'rounds': ['platform', 'round_id'],
    'reconciliation': ['platform', 'metric', 'subject', 'shop_id', 'account_id', 'period', 'period_end'],
    'reconciliation_reasons': ['platform', 'metric', 'subject', 'shop_id', 'account_id', 'period', 'period_end', 'reason'],
    'exclusion_summary': ['platform', 'shop_id', 'business_date', 'reason'],
    'data_freshness': ['platform', 'table_name']
}) }}
