-- The invitations to rate that were due, what was expected of each, and the one really sent. One row per reply that made one due.
-- Built whole: which invitations are due yet depends on the as-of time, and what stops one on other shops and on ratings.
with due as (
    select
        d.*,
        u.invite_daily_cap_shop,
        u.invite_daily_cap_buyer,
        u.invite_match_limit,
        u.self_rated_limit
    from {{ ref('int_taobao__due_invites') }} d
    join {{ ref('int_taobao__shop_rules') }} u on d.shop_id = u.shop_id and d.business_date between u.valid_from and u.valid_to
    where d.due_at <= (select as_of from {{ ref('as_of') }} where platform = 'taobao')
),

ratings as (select * from {{ ref('int_taobao__ratings') }} where trigger = 'buyer_initiated'),

cards as (select * from {{ source('taobao', 'rating_cards') }} where trigger = 'system_invite'),

self_rated as ( -- T-43: the buyer rated that shop unasked, shortly before
    select d.trigger_message_id
    from due d
    join ratings r on d.shop_id = r.shop_id and d.buyer_id = r.buyer_id
    where r.first_rated_at >= d.due_at - d.self_rated_limit and r.first_rated_at < d.due_at
),

judged as (
    select *, trigger_message_id in (select trigger_message_id from self_rated) as is_self_rated
    from due
),

-- T-42: a day of a buyer. What T-43 stops takes nobody's place, so it is ranked apart; so is what the shop's cap stops.
ranked_in_shop as (
    select
        *,
        row_number() over (
            partition by buyer_id, business_date, shop_id, is_self_rated order by due_at, trigger_message_id
        ) as shop_rank
    from judged
),

ranked as (
    select
        *,
        row_number() over (
            partition by buyer_id, business_date, not is_self_rated and shop_rank <= invite_daily_cap_shop
            order by due_at, trigger_message_id
        ) as buyer_rank
    from ranked_in_shop
),

sent as ( -- T-41: the nearest invitation that the buyer really got there
    select
        d.trigger_message_id,
        min_by(c.card_id, (abs({{ seconds_between('d.due_at', 'c.sent_at') }}), c.card_id)) as card_id
    from due d
    join cards c on d.shop_id = c.shop_id and d.buyer_id = c.buyer_id
    where c.sent_at between d.due_at - d.invite_match_limit and d.due_at + d.invite_match_limit
    group by d.trigger_message_id
)

select
    r.shop_id,
    r.buyer_id,
    r.account_id,
    r.trigger_message_id,
    r.due_at,
    case
        when r.is_self_rated then 'self_rated_24h'
        when r.shop_rank > r.invite_daily_cap_shop then 'daily_cap_shop'
        when r.buyer_rank > r.invite_daily_cap_buyer then 'daily_cap_buyer'
        else 'send'
    end as expected,
    s.card_id
from ranked r
left join sent s on r.trigger_message_id = s.trigger_message_id
