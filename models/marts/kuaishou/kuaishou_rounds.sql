{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}
-- depends_on: {{ ref('build_dates') }}

with rounds as (select * from {{ ref('int_kuaishou__rounds') }}),

exclusions as (select * from {{ ref('int_kuaishou__exclusions') }}),

reasons as (select * from {{ ref('exclusion_reasons') }} where platform = 'kuaishou'),

rules as (select * from {{ ref('kuaishou_rules') }}),

excluded as (
    select e.round_id, {{ ordered_list('e.reason', 'r.position') }} as exclusion_reasons
    from exclusions e
    left join reasons r on e.reason = r.reason
    group by e.round_id
)

select
    r.round_id,
    r.conversation_id as session_id,
    r.shop_id,
    r.customer_id as user_id,
    r.account_id as agent_id,
    r.business_date,
    r.first_message_id,
    r.first_message_at,
    r.clock_started_at,
    r.first_reply_id,
    r.first_reply_at,
    r.elapsed_seconds::double as response_seconds,
    e.round_id is null as is_counted,
    coalesce(r.elapsed_seconds <= u.response_target_seconds, false) as is_on_time,
    coalesce(e.exclusion_reasons, []::varchar[]) as exclusion_reasons,
    r.rule_version
from rounds r
join rules u on r.rule_version = u.rule_version
left join excluded e on r.round_id = e.round_id
