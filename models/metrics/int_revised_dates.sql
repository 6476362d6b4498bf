-- The dates on which a period ends of which this build has a new figure: on others publishing keeps the revisions of the version
-- before. One row per platform and date.
{{ config(materialized='view') }}

select distinct platform, period_end as business_date
from {{ ref('int_new_revisions') }}
