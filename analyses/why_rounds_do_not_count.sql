-- Why do rounds not count, and how many is that?
-- 轮次因为什么被剔除，各有多少？

with summed as (
    select platform, reason, sum(rounds) as rounds
    from marts.exclusion_summary
    where reason <> 'counted'
    group by platform, reason
)

select s.platform, e.clause_id, e.text_en, e.text_zh, s.rounds, s.rounds / sum(s.rounds) over (partition by s.platform) as share
from summed s
left join marts.exclusion_reasons e on s.platform = e.platform and s.reason = e.reason
order by s.platform asc, s.rounds desc, s.reason asc
