{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}
-- depends_on: {{ ref('build_dates') }}

with ratings as (select * from {{ ref('int_kuaishou__ratings') }}),

exclusions as (select * from {{ ref('int_kuaishou__rating_exclusions') }}),

reasons as (select * from {{ ref('exclusion_reasons') }} where platform = 'kuaishou'),

excluded as (
    select e.card_id, {{ ordered_list('e.reason', 'r.position') }} as exclusion_reasons
    from exclusions e
    left join reasons r on e.reason = r.reason
    group by e.card_id
)

select
    r.card_id,
    r.shop_id,
    r.user_id,
    r.agent_id,
    r.channel,
    r.sent_at,
    r.business_date,
    r.level,
    e.card_id is null as is_counted,
    r.level = 'satisfied' as is_satisfied,
    coalesce(e.exclusion_reasons, []::varchar[]) as exclusion_reasons
from ratings r
left join excluded e on r.card_id = e.card_id
