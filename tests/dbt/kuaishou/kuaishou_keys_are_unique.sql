-- A mart of Kuaishou that has two rows of one key: sums over it count something twice.
-- To do: look at the rows' key in the raw tables; a delivery of it anew, or a mended model, sets it right.
{{ repeated_keys({
    'kuaishou_rounds': ['round_id'],
    'kuaishou_ratings': ['card_id'],
    'kuaishou_assisted_after_sales': ['request_id'],
    'kuaishou_realtime': ['shop_id', 'as_of']
}) }}
