-- V-02: the bad ratings (差评) that can still be put right at the moment, counted or not; where nothing can be changed, for as long
-- as a rating could be changed elsewhere.
with as_of as (select * from {{ ref('live_as_of') }}),

rules as (select * from {{ ref('live_rules') }}),

taobao_ratings as (select * from {{ ref('int_taobao__unsatisfied_ratings') }} where not is_satisfied and edits_left > 0),

taobao_reasons as (select card_id, exclusion_reasons from {{ ref('int_taobao__judged_ratings') }}),

kuaishou_cards as (select * from {{ source('kuaishou', 'rating_cards') }} where level = 'disappointed'),

kuaishou_ratings as (select * from {{ ref('int_kuaishou__judged_ratings') }}),

sessions as (select * from {{ ref('int_xiaohongshu__judged_sessions') }}),

session_ratings as (select * from {{ source('xiaohongshu', 'ratings') }}),

holders as (select * from {{ ref('int_xiaohongshu__holders') }}),

edit_limits as (
    select a.platform, a.as_of, max(r.rating_edit_limit) as rating_edit_limit
    from as_of a
    join rules r on a.platform = r.scope and a.as_of::date between r.valid_from and r.valid_to
    group by a.platform, a.as_of
)

select
    a.as_of,
    'taobao' as platform,
    r.card_id,
    r.shop_id,
    r.buyer_id,
    r.account_id,
    r.first_rated_at as rated_at,
    r.eval_code::varchar as value,
    r.effective_changes > 0 as was_changed,
    r.editable_until,
    r.edits_left,
    r.second_line_available,
    e.exclusion_reasons
from taobao_ratings r
join as_of a on r.editable_until > a.as_of and a.platform = 'taobao'
join taobao_reasons e on r.card_id = e.card_id
union all
select
    a.as_of, a.platform, c.card_id, c.shop_id, c.user_id, c.agent_id, c.rated_at, c.level,
    null, null, null, null, r.exclusion_reasons
from kuaishou_cards c
join kuaishou_ratings r on c.card_id = r.card_id
join edit_limits a on a.platform = 'kuaishou' and c.rated_at > a.as_of - a.rating_edit_limit
union all
select
    a.as_of, a.platform, s.session_id, s.shop_id, s.user_id, h.account_id, r.rated_at, r.stars::varchar,
    null, null, null, null, s.exclusion_reasons
from session_ratings r
join sessions s on r.session_id = s.session_id
join rules u on s.rule_version = u.rule_version and r.stars < u.satisfied_min_stars
join edit_limits a on a.platform = 'xiaohongshu' and r.rated_at > a.as_of - a.rating_edit_limit
left join holders h on s.session_id = h.session_id
