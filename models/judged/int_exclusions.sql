-- Why rounds, ratings and sessions do not count, or what is to be remarked on them, on all platforms. One row per judged thing
-- and reason, with the clause that gives it and the row that is its cause, in words and times (evidence).
with exclusions as (
    {{ of_platforms('exclusions', ['judged_kind', 'judged_id', 'reason', 'evidence', 'is_remark']) }}
    union all
    select platform, 'round' as judged_kind, judged_id, reason, evidence, false as is_remark
    from {{ ref('int_round_exclusions') }}
),

reasons as (select * from {{ ref('exclusion_reasons') }})

select
    e.platform,
    e.judged_kind,
    e.judged_id,
    e.reason,
    r.clause_id,
    r.sort_order,
    e.is_remark,
    {{ joined(distinct_list('e.evidence'), '; ') }} as evidence -- several rows can be the cause
from exclusions e
left join reasons r on e.platform = r.platform and e.reason = r.reason
group by all
