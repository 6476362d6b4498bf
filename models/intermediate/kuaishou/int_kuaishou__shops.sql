-- Every shop that occurs anywhere in Kuaishou's tables; its rules are the platform's.
with seen as (
    {{ seen('kuaishou', {
        'messages': 'shop_id',
        'session_events': 'shop_id',
        'rating_cards': 'shop_id',
        'malicious_reports': 'shop_id',
        'assisted_after_sales': 'shop_id',
        'official_metrics': 'shop_id',
    }) }}
)

select
    'kuaishou' as platform,
    shop_id,
    null::varchar as marketplace,
    'kuaishou' as scope,
    null::varchar as shop_name
from seen
