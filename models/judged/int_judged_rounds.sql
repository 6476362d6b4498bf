-- The rounds of all platforms, counted or not, with every reason why one does not count. One row per round.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates', meta={'stands_by': 'round_id'}) }}
-- depends_on: {{ ref('build_dates') }}

with rounds as (select * from {{ ref('int_rounds') }}),

reasons as (select * from {{ ref('int_reasons') }} where judged_kind = 'round'),

rules as (select * from {{ ref('round_rules') }})

select
    r.platform,
    r.round_id,
    r.conversation_id,
    r.shop_id,
    r.customer_id,
    r.account_id,
    r.business_date,
    r.segment,
    r.is_waiting,
    r.first_message_id,
    r.first_message_at,
    r.clock_started_at,
    r.first_reply_id,
    r.first_reply_at,
    r.reply_kind,
    r.elapsed_seconds as response_seconds,
    e.judged_id is null as is_counted,
    coalesce(r.elapsed_seconds <= u.response_target_seconds, false) as is_on_time,
    coalesce(e.exclusion_reasons, {{ empty_list() }}) as exclusion_reasons,
    coalesce(e.evidence, {{ empty_list() }}) as evidence,
    r.rule_version
from rounds r
join rules u on r.rule_version = u.rule_version
left join reasons e on r.platform = e.platform and r.round_id = e.judged_id
