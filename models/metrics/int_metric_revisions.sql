-- How the figures of past days, weeks and months changed after they were first published. One row per figure and revision. What
-- was published stays.
{{ config(materialized='view') }}

select * from {{ source('build', 'published_revisions') }}
union all by name
select * from {{ ref('int_new_revisions') }}
