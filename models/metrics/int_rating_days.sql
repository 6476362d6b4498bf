-- The sheet of ratings (接待评价) of all platforms: cards sent, ratings received, how satisfied. One row per platform, shop or
-- account, date and origin of the card.
{{ of_platforms('rating_days', [
    'shop_id', 'account_id', 'business_date', 'origin', 'received_buyers', 'cards_sent', 'ratings', 'very_satisfied', 'satisfied',
    'neutral', 'dissatisfied', 'very_dissatisfied', 'send_rate', 'return_rate', 'satisfaction_rate',
]) }}
