-- The rated cards sent on the dates being built, each with the rules of its day. A card nobody rated is no rating. One row per
-- card.
with cards as (select * from {{ source('kuaishou', 'rating_cards') }} where level is not null),

dates as (select business_date from {{ ref('build_dates') }} where platform = 'kuaishou'),

rules as (select * from {{ ref('round_rules') }} where scope = 'kuaishou')

select
    c.card_id,
    c.shop_id,
    c.user_id,
    c.agent_id,
    c.service_kind,
    c.channel,
    c.sent_at,
    d.business_date,
    c.level,
    u.reply_scope,
    c.sent_at >= d.business_date + u.window_start and c.sent_at < d.business_date + u.window_end as is_sent_in_window
from cards c
join dates d on c.sent_at::date = d.business_date
join rules u on d.business_date between u.valid_from and u.valid_to
