-- A mart of Xiaohongshu's months that has two rows of one key.
-- To do: look at the rows' key in the raw tables; a delivery of it anew, or a mended model, sets it right.
{{ repeated_keys({
    'xiaohongshu_assessments': ['shop_id', 'month']
}) }}
