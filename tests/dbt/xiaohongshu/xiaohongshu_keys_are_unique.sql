-- A mart of Xiaohongshu that has two rows of one key: sums over it count something twice.
-- To do: look at the rows' key in the raw tables; a delivery of it anew, or a mended model, sets it right.
{{ repeated_keys({
    'xiaohongshu_sessions': ['session_id'],
    'xiaohongshu_inspection_samples': ['session_id'],
    'xiaohongshu_coverage': ['shop_id', 'business_date', 'hour'],
    'xiaohongshu_work_hours': ['shop_id', 'valid_from']
}) }}
