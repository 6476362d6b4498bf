-- Ratings of Kuaishou that are not satisfied, dated by their card: the mart has no other time.
select
    'card ' || card_id as what,
    shop_id,
    agent_id as account_id,
    level as rating,
    sent_at as rated_at,
    exclusion_reasons,
    null::timestamp as editable_until
from marts.kuaishou_ratings
where not is_satisfied
