-- Every shop that occurs anywhere, and the scope whose rules it is under. One row per platform and shop.
with seen as (select distinct platform, shop_id from {{ ref('int_seen_accounts') }}),

described as (select * from {{ source('taobao', 'shops') }}), -- no other platform tells of its shops

with_marketplace as ( -- on Taobao's side; a shop without a row of its own is a Tmall shop
    select
        s.platform,
        s.shop_id,
        case when s.platform = 'taobao' then coalesce(d.marketplace, 'tmall') end as marketplace,
        d.shop_name
    from seen s
    left join described d on s.platform = 'taobao' and s.shop_id = d.shop_id
)

select
    platform,
    shop_id,
    marketplace,
    coalesce(marketplace, platform) as scope,
    shop_name
from with_marketplace
