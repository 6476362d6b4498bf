-- A mart of Taobao's months that has two rows of one key.
-- To do: look at the rows' key in the raw tables; a delivery of it anew, or a mended model, sets it right.
{{ repeated_keys({
    'taobao_grades': ['shop_id', 'month'],
    'taobao_rejection_status': ['shop_id', 'month'],
    'taobao_message_limits': ['shop_id', 'month']
}) }}
