-- X-03: each setting of a shop's working hours, and what holds instead of one that is too short.
select
    shop_id,
    valid_from,
    valid_to,
    set_opens_at,
    set_closes_at,
    {{ hour_minute('opens_at') }} as opens_at,
    {{ hour_minute('closes_at') }} as closes_at,
    is_widened
from {{ ref('int_xiaohongshu__work_hours') }}
where set_opens_at is not null
