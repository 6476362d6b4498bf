-- The ratings of Kuaishou, counted or not, with every reason why one does not count. One row per rated card.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}
-- depends_on: {{ ref('build_dates') }}

with ratings as (select * from {{ ref('int_kuaishou__ratings') }}),

reasons as (select * from {{ ref('int_reasons') }} where platform = 'kuaishou' and judged_kind = 'rating')

select
    r.card_id,
    r.shop_id,
    r.user_id,
    r.agent_id,
    r.channel,
    r.sent_at,
    r.business_date,
    r.level,
    e.judged_id is null as is_counted,
    r.level = 'satisfied' as is_satisfied,
    coalesce(e.exclusion_reasons, {{ empty_list() }}) as exclusion_reasons,
    coalesce(e.evidence, {{ empty_list() }}) as evidence
from ratings r
left join reasons e on r.card_id = e.judged_id
