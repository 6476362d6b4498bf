-- T-64: an exclusive-service push against the one before of the same shop and buyer. Built whole, from the pushes alone.
-- depends_on: {{ ref('build_dates') }}
with pushes as (
    select * from {{ source('taobao', 'messages') }} where direction = 'outbound' and message_type = 'vip_push'
),

shops as (select * from {{ ref('int_taobao__shops') }}),

rules as (select * from {{ ref('taobao_message_rules') }}),

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
join shops s on p.shop_id = s.shop_id
join rules u on s.scope = u.scope and p.sent_at::date between u.valid_from and u.valid_to
