-- A mart of Taobao that has two rows of one key: sums over it count something twice.
-- To do: look at the rows' key in the raw tables; a delivery of it anew, or a mended model, sets it right.
{{ repeated_keys({
    'taobao_rounds': ['round_id'],
    'taobao_priority_receptions': ['entry_id'],
    'taobao_ratings': ['card_id'],
    'rating_changes': ['card_id', 'change_number'],
    'taobao_rating_recoveries': ['card_id'],
    'taobao_rating_invites': ['trigger_message_id'],
    'taobao_message_streaks': ['streak_id'],
    'taobao_rejection_prompts': ['prompt_id'],
    'taobao_vip_pushes': ['message_id'],
    'taobao_discouraged_messages': ['message_id'],
    'taobao_sending_daily': ['shop_id', 'account_id', 'business_date']
}) }}
