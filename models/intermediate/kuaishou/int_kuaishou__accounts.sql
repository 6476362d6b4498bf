-- Every agent's account that occurs anywhere in Kuaishou's tables; nothing more is known of it.
with seen as (
    {{ seen('kuaishou', {
        'messages': 'shop_id, agent_id',
        'session_events': 'shop_id, agent_id',
        'rating_cards': 'shop_id, agent_id',
        'assisted_after_sales': 'shop_id, agent_id',
        'official_metrics': 'shop_id, account_id',
    }) }}
)

select
    'kuaishou' as platform,
    shop_id,
    agent_id as account_id,
    null::varchar as account_type,
    null::varchar as display_name,
    null::boolean as is_second_line,
    null::timestamp as disabled_at
from seen
where agent_id is not null
