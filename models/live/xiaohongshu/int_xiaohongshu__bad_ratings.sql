-- V-02: the sessions of Xiaohongshu rated with few stars, which nobody can change, for as long as the rules show them. One row
-- per session.
{{ config(materialized='view') }}

with sessions as (select * from {{ ref('int_xiaohongshu__judged_sessions') }}),

ratings as (select * from {{ source('xiaohongshu', 'ratings') }}),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

shown as (select shown_from from {{ ref('live_shown_ratings') }} where platform = 'xiaohongshu'),

holders as (select * from {{ ref('int_xiaohongshu__holders') }})

select
    'session' as rated_kind,
    s.session_id as card_id,
    s.shop_id,
    s.user_id as buyer_id,
    h.account_id,
    r.rated_at,
    r.stars::string as value,
    null::boolean as was_changed,
    null::timestamp as editable_until,
    null::integer as edits_left,
    null::boolean as second_line_available,
    s.exclusion_reasons
from ratings r
join sessions s on r.session_id = s.session_id
join rules u on s.rule_version = u.rule_version and r.stars < u.satisfied_min_stars
left join holders h on s.session_id = h.session_id
where r.rated_at > (select shown_from from shown)
