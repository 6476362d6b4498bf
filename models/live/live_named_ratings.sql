-- Bad ratings, as people are told of them: by the names of shop and account. One row per rating of bad_ratings.
with ratings as (select * from {{ ref('bad_ratings') }}),

shops as (select * from {{ ref('int_shops') }}),

accounts as (select * from {{ ref('int_accounts') }})

select
    r.*,
    s.shop_name,
    coalesce(a.display_name, r.account_id) as account
from ratings r
left join shops s on r.platform = s.platform and r.shop_id = s.shop_id
left join accounts a on r.platform = a.platform and r.shop_id = a.shop_id and r.account_id = a.account_id
