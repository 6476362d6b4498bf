-- The reasons of each round, rating or session as lists in the order of the seed exclusion_reasons. One row per judged thing
-- that has any.
{{ config(materialized='view') }}

select
    platform,
    judged_kind,
    judged_id,
    not bool_and(is_remark) as is_excluded,
    {{ ordered_list('reason', 'sort_order') }} as exclusion_reasons,
    {{ ordered_list('evidence', 'sort_order') }} as evidence
from {{ ref('int_exclusions') }}
group by platform, judged_kind, judged_id
