-- Ratings
select
    r.platform,
    coalesce(s.shop_name, r.shop_id) as shop,
    sum(r.cards_sent)::bigint as cards,
    sum(r.ratings)::bigint as ratings,
    sum(r.very_satisfied)::bigint as very_satisfied,
    sum(r.satisfied)::bigint as satisfied,
    sum(r.neutral)::bigint as neutral,
    sum(r.dissatisfied)::bigint as dissatisfied,
    sum(r.very_dissatisfied)::bigint as very_dissatisfied
from marts.rating_daily r
left join marts.shops s on r.platform = s.platform and r.shop_id = s.shop_id
where r.account_id is null and r.origin = 'all' and r.business_date between $since and $until
group by r.platform, r.shop_id, s.shop_name
order by r.platform, shop
