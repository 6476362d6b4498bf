-- The business dates on which an invitation can be due that sees what a landing changed, or a changed rule. One row per date.
{{ config(materialized='view') }}

with replies as (
    select s.scope, m.shop_id, m.sent_at
    from {{ source('taobao', 'messages') }} m
    join {{ ref('int_shops') }} s on s.platform = 'taobao' and m.shop_id = s.shop_id
    where m.author_kind in ('agent', 'assist_bot')
),

reach as (select max(invite_delay) as forward from {{ ref('taobao_rules') }}),

by_messages as ( -- it can be the reply itself, and what ends the silence after one
    select sent_at
    from {{ source('changed', 'taobao_messages') }}
    where author_kind in ('consumer', 'agent', 'assist_bot')
),

by_shops as ( -- the marketplace decides the rules
    select sent_at
    from replies
    where shop_id in (select shop_id from {{ source('changed', 'taobao_shops') }})
),

by_rules as ( -- of all rules, the delay alone decides when an invitation is due
    select r.sent_at
    from replies r
    join {{ ref('changed_rules') }} c on r.scope = c.scope and r.sent_at::date between c.valid_from and c.valid_to
    where c.parameter = 'invite_delay_seconds'
),

everything as (
    select sent_at
    from replies
    where (select everything from {{ source('build', 'request') }})
),

touched as (
    select sent_at from by_messages
    union all
    select sent_at from by_shops
    union all
    select sent_at from by_rules
    union all
    select sent_at from everything
)

select sent_at::date as business_date from touched
union
select (t.sent_at + r.forward)::date from touched t cross join reach r
union
select sent_at::date + 1 from by_rules -- the delay may have been longer
