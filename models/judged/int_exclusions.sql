-- Why rounds, ratings and sessions do not count, or what is to be remarked on them, on all platforms. One row per judged thing and
-- reason, with the clause that gives it and the row that is its cause, in words and times (evidence).
with exclusions as (
    {{ of_platforms('exclusions', ['judged_kind', 'judged_id', 'reason', 'evidence']) }}
),

reasons as (select * from {{ ref('exclusion_reasons') }})

select
    e.platform,
    e.judged_kind,
    e.judged_id,
    e.reason,
    r.clause_id,
    r.position,
    not (r.is_remark and e.judged_kind = 'session') as is_excluding, -- X-06: a session counts as not answered, its rounds not at all
    min(e.evidence) as evidence -- where several rows are the cause, one of them
from exclusions e
left join reasons r on e.platform = r.platform and e.reason = r.reason
group by all
