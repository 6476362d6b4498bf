-- Every agent's account that occurs anywhere in Xiaohongshu's tables; nothing more is known of it.
with seen as (
    {{ seen('xiaohongshu', {
        'messages': 'shop_id, agent_id',
        'session_events': 'shop_id, agent_id',
        'official_metrics': 'shop_id, account_id',
    }) }}
)

select
    'xiaohongshu' as platform,
    shop_id,
    agent_id as account_id,
    null::varchar as account_type,
    null::varchar as display_name,
    null::boolean as is_second_line,
    null::timestamp as disabled_at
from seen
where agent_id is not null
