-- Why a round of the dates being built does not count: one row per round and reason.
with rounds as (select * from {{ ref('int_kuaishou__rounds') }}),

reports as (select * from {{ source('kuaishou', 'malicious_reports') }}),

never_routed as ( -- K-02: it waited for a human while a bot had the session, and never got one
    select round_id, 'not_routed_to_human' as reason
    from rounds
    where is_waiting and reply_kind is null
),

bot_replies as ( -- K-02: a bot answered before any human
    select round_id, 'non_human_reply' as reason
    from rounds
    where reply_kind = 'B'
),

outside_window as ( -- K-01
    select round_id, 'outside_window' as reason
    from rounds
    where segment <> 'in'
),

malicious as ( -- K-08: of a user whom the shop reported with success, from when the report takes effect, also days ago
    select r.round_id, 'malicious_user' as reason
    from rounds r
    join reports m on r.shop_id = m.shop_id and r.customer_id = m.user_id
    where m.result = 'upheld' and r.clock_started_at >= m.effective_from
)

select * from never_routed
union
select * from bot_replies
union
select * from outside_window
union
select * from malicious
