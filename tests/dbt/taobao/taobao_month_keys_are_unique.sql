-- A mart of Taobao's months that has two rows of one key.
-- To do: look at the rows' key in the raw tables; a delivery of it anew, or a mended model, sets it right.
{{ config(meta={'first_date': 'first_of_row', 'date': 'last_of_row', 'dagster': {'ref': {'name': 'taobao_grades'}}}) }}

{{ repeated_keys({
    'taobao_grades': ['shop_id', 'month'],
    'taobao_rejection_status': ['shop_id', 'month'],
    'taobao_message_limits': ['shop_id', 'month']
}) }}
