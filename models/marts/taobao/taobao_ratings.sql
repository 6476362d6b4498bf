-- depends_on: {{ ref('build_dates') }}
with ratings as (select * from {{ ref('int_taobao__ratings') }}),

exclusions as (select * from {{ ref('int_taobao__rating_exclusions') }}),

reasons as (select * from {{ ref('exclusion_reasons') }} where platform = 'taobao'),

shops as (select * from {{ ref('int_taobao__shops') }}),

rules as (select * from {{ ref('taobao_rating_rules') }}),

excluded as (
    select e.card_id, {{ ordered_list('e.reason', 'r.position') }} as exclusion_reasons
    from exclusions e
    left join reasons r on e.reason = r.reason
    group by e.card_id
),

sent_by_hand as ( -- T-40: the rules of the day it was sent, not of the day it was rated
    select r.card_id
    from ratings r
    join shops s on r.shop_id = s.shop_id
    join rules u on s.scope = u.scope and r.sent_at::date between u.valid_from and u.valid_to
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
    r.submissions,
    e.card_id is null as is_counted,
    r.eval_code <= r.satisfied_max_eval_code as is_satisfied, -- T-35: 0 is the best
    r.card_id in (select card_id from sent_by_hand) as is_manual_invite_forbidden,
    coalesce(e.exclusion_reasons, []::varchar[]) as exclusion_reasons
from ratings r
left join excluded e on r.card_id = e.card_id
