-- The sheet of ratings (接待评价) of Xiaohongshu: the ratings of counted sessions, as nobody knows of cards there. One row per shop
-- or account and date.
{{ config(materialized='view') }}

with sessions as (select * from {{ ref('int_xiaohongshu__judged_sessions') }} where is_counted and stars is not null),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

events as (
    select
        s.shop_id,
        s.account_id,
        s.business_date,
        null as origin,
        null as cards_sent,
        case s.stars
            when 1 then 'very_dissatisfied'
            when 2 then 'dissatisfied'
            when 3 then 'neutral'
            when 4 then 'satisfied'
            when 5 then 'very_satisfied'
        end as level,
        s.stars >= r.satisfied_min_stars as is_satisfied
    from sessions s
    join rules r on s.rule_version = r.rule_version
)

select * from (
    {{ rating_days('xiaohongshu', 'events', levels=[
        'very_satisfied', 'satisfied', 'neutral', 'dissatisfied', 'very_dissatisfied',
    ], has_cards=false) }}
)
