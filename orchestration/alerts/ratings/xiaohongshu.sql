-- Sessions of Xiaohongshu with fewer stars than count as satisfied (X-07), dated by their end, or their beginning where they
-- have none.
select
    'session ' || s.session_id as what,
    s.shop_id,
    s.account_id,
    s.stars || ' stars' as rating,
    coalesce(s.ended_at, s.entered_at) as rated_at,
    case when s.is_counted then [] else s.exclusion_reasons end as exclusion_reasons,
    null::timestamp as editable_until
from marts.xiaohongshu_sessions s
join marts.rule_parameters p
    on p.scope = 'xiaohongshu' and p.parameter = 'satisfied_min_stars'
    and s.business_date >= coalesce(p.valid_from, s.business_date)
    and s.business_date <= coalesce(p.valid_to, s.business_date)
where s.stars < p.value::integer
