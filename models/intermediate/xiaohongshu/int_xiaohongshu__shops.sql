-- Every shop that occurs anywhere in Xiaohongshu's tables; its rules are the platform's.
with seen as (
    {{ seen('xiaohongshu', {
        'sessions': 'shop_id',
        'messages': 'shop_id',
        'session_events': 'shop_id',
        'work_hours': 'shop_id',
        'official_metrics': 'shop_id',
    }) }}
)

select
    'xiaohongshu' as platform,
    shop_id,
    null::varchar as marketplace,
    'xiaohongshu' as scope,
    null::varchar as shop_name
from seen
