-- T-64: an exclusive-service push against the one before of the same shop and buyer. One row per push. Built whole, from the
-- pushes alone.
with pushes as (
    select * from {{ source('taobao', 'messages') }} where direction = 'outbound' and message_type = 'vip_push'
),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

followed as (
    select
        *,
        lag(sent_at) over (partition by shop_id, buyer_id order by sent_at, message_id) as pushed_before_at
    from pushes
)

select
    p.message_id,
    p.shop_id,
    p.buyer_id,
    p.sent_at,
    coalesce(p.pushed_before_at <= p.sent_at - u.vip_push_days * interval 1 day, true) as is_within_limit
from followed p
join rules u on p.shop_id = u.shop_id and p.sent_at::date between u.valid_from and u.valid_to
