-- Every shop that occurs anywhere in Taobao's tables. One without a row of its own is a Tmall shop.
with described as (select * from {{ source('taobao', 'shops') }}),

seen as (
    {{ seen('taobao', {
        'shops': 'shop_id',
        'messages': 'shop_id',
        'reception_events': 'shop_id',
        'accounts': 'shop_id',
        'account_status_events': 'shop_id',
        'buyer_blocks': 'shop_id',
        'platform_flags': 'shop_id',
        'rating_cards': 'shop_id',
        'rejection_prompts': 'shop_id',
        'orders': 'shop_id',
        'conduct_cases': 'shop_id',
        'priority_settings': 'shop_id',
        'audience_members': 'shop_id',
        'routing_entries': 'shop_id',
        'official_grades': 'shop_id',
        'official_metrics': 'shop_id',
    }) }}
)

select
    'taobao' as platform,
    s.shop_id,
    coalesce(d.marketplace, 'tmall') as marketplace,
    coalesce(d.marketplace, 'tmall') as scope,
    d.shop_name
from seen s
left join described d on s.shop_id = d.shop_id
