-- The ratings of Taobao and Tmall, counted or not, with every reason why one does not count. One row per rated card. Built
-- whole: a change alters a rating of days ago.
with ratings as (select * from {{ ref('int_taobao__ratings') }}),

reasons as (select * from {{ ref('int_reasons') }} where platform = 'taobao' and judged_kind = 'rating'),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

sent_by_hand as ( -- T-40: the rules of the day it was sent, not of the day it was rated
    select r.card_id
    from ratings r
    join rules u on r.shop_id = u.shop_id and r.sent_at::date between u.valid_from and u.valid_to
    where r.trigger = 'manual' and u.manual_invite_forbidden = 1
)

select
    r.card_id,
    r.shop_id,
    r.buyer_id,
    r.account_id,
    r.trigger,
    r.sent_at,
    r.business_date,
    r.eval_code,
    r.submission_id,
    r.submissions,
    e.judged_id is null as is_counted,
    r.eval_code <= r.satisfied_max_eval_code as is_satisfied, -- T-35: 0 is the best
    r.card_id in (select card_id from sent_by_hand) as is_manual_invite_forbidden,
    coalesce(e.exclusion_reasons, {{ empty_list() }}) as exclusion_reasons,
    coalesce(e.evidence, {{ empty_list() }}) as evidence
from ratings r
left join reasons e on r.card_id = e.judged_id
