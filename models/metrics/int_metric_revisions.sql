-- How the figures of past days, weeks and months changed after they were first published. One row per figure and revision. What
-- was published stays.
{{ config(materialized='view') }}

{%- set columns = [
    'platform', 'metric', 'subject', 'shop_id', 'account_id', 'period', 'period_end', 'revision', 'value', 'numerator', 'denominator',
    'published_at',
] | join(', ') %}

select {{ columns }} from {{ source('build', 'published_revisions') }}
union all
select {{ columns }} from {{ ref('int_new_revisions') }}
