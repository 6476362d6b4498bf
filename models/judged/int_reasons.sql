-- The reasons of each round, rating or session as lists in the order of the seed exclusion_reasons. One row per judged thing
-- that has any.
{{ config(materialized='view') }}

select
    platform,
    judged_kind,
    judged_id,
    bool_or(is_excluding) as is_excluded,
    {{ ordered_list('reason', 'position') }} as exclusion_reasons,
    {{ ordered_list('evidence', 'position') }} as evidence
from {{ ref('int_exclusions') }}
group by platform, judged_kind, judged_id
