-- A mart of Xiaohongshu's months that has two rows of one key.
-- To do: look at the rows' key in the raw tables; a delivery of it anew, or a mended model, sets it right.
{{ config(meta={'first_date': 'first_of_row', 'date': 'last_of_row', 'dagster': {'ref': {'name': 'xiaohongshu_assessments'}}}) }}

{{ repeated_keys({
    'xiaohongshu_assessments': ['shop_id', 'month']
}) }}
