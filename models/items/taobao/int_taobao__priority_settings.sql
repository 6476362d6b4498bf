-- From when to when each saved setting of priority reception stands. One row per setting. T-81: one that selects more audiences
-- than may be selected is rejected, and what was saved before it stands on.
with settings as (select * from {{ source('taobao', 'priority_settings') }}),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

judged as (
    select p.*, {{ length_of('p.audience_ids') }} > r.priority_max_audiences as is_rejected
    from settings p
    join rules r on p.shop_id = r.shop_id and p.saved_at::date between r.valid_from and r.valid_to
)

select
    *,
    -- of those saved at one time the last stands, the others from then to then, which is never
    case
        when not is_rejected
            then coalesce(
                lead(saved_at) over (partition by shop_id, is_rejected order by saved_at, setting_id), '9999-12-31'::timestamp
            )
    end as saved_until
from judged
