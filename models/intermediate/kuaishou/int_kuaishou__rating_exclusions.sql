-- Why a rating of the dates being built does not count: one row per card and reason. K-07: through which channel does not matter.
with ratings as (select * from {{ ref('int_kuaishou__ratings') }}),

reports as (select * from {{ source('kuaishou', 'malicious_reports') }}),

outside_window as ( -- K-06: the sending decides, not the rating
    select card_id, 'card_sent_outside_window' as reason
    from ratings
    where not is_sent_in_window
),

of_bots as ( -- K-07: since humans alone count
    select card_id, 'not_human' as reason
    from ratings
    where service_kind = 'bot' and reply_scope = 'human_only'
),

malicious as ( -- K-08
    select r.card_id, 'malicious_user' as reason
    from ratings r
    join reports m on r.shop_id = m.shop_id and r.user_id = m.user_id
    where m.result = 'upheld' and r.sent_at >= m.effective_from
)

select * from outside_window
union
select * from of_bots
union
select * from malicious
