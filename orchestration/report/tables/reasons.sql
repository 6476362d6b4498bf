-- Why rounds count or not
with summed as (
    select platform, reason, sum(rounds)::bigint as rounds
    from marts.exclusion_summary
    where business_date between $since and $until
    group by platform, reason
)

select
    c.platform,
    case when c.reason = 'counted' then '{counted}' else coalesce(r.text_{language}, c.reason) end as reason,
    r.clause_id as clause,
    c.rounds,
    c.rounds / sum(c.rounds) over (partition by c.platform) as share
from summed c
left join marts.exclusion_reasons r on c.platform = r.platform and c.reason = r.reason
order by c.platform, c.reason <> 'counted', c.rounds desc, reason
