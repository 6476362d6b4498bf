-- Ratings of Taobao that stand as not satisfied, dated by the last change that took effect.
with changes as (
    select card_id, max(changed_at) as changed_at from marts.rating_changes where is_effective group by card_id
)

select
    'card ' || r.card_id as what,
    r.shop_id,
    r.account_id,
    'eval_code ' || r.eval_code as rating,
    coalesce(h.changed_at, c.first_rated_at) as rated_at,
    r.exclusion_reasons,
    case when c.is_editable then c.editable_until end as editable_until
from marts.taobao_ratings r
left join changes h on r.card_id = h.card_id
left join marts.taobao_rating_recoveries c on r.card_id = c.card_id
where not r.is_satisfied
