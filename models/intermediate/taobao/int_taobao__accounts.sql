-- Every reception account that occurs anywhere in Taobao's tables, with what is known of it.
with described as (select * from {{ source('taobao', 'accounts') }}),

seen as (
    {{ seen('taobao', {
        'accounts': 'shop_id, account_id',
        'messages': 'shop_id, account_id',
        'reception_events': 'shop_id, account_id',
        'account_status_events': 'shop_id, account_id',
        'rating_cards': 'shop_id, account_id',
        'rejection_prompts': 'shop_id, account_id',
        'routing_entries': 'shop_id, routed_account_id',
        'official_metrics': 'shop_id, account_id',
    }) }}
)

select
    'taobao' as platform,
    s.shop_id,
    s.account_id,
    d.account_type,
    d.display_name,
    d.is_second_line,
    d.disabled_at
from seen s
left join described d on s.shop_id = d.shop_id and s.account_id = d.account_id
where s.account_id is not null
