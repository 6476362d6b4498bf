-- The rounds (轮次) of all platforms under common names, counted or not; of Xiaohongshu, which judges whole sessions, the sessions.
-- One row per round or session.
{{ config(materialized='view') }}

select
    platform,
    round_id,
    conversation_id,
    shop_id,
    customer_id,
    account_id,
    business_date,
    first_message_id,
    first_message_at,
    clock_started_at,
    first_reply_id,
    first_reply_at,
    response_seconds,
    is_counted,
    is_on_time,
    case when not is_counted then {{ first_of('exclusion_reasons') }} end as first_reason,
    exclusion_reasons,
    rule_version
from {{ ref('int_judged_rounds') }}
where platform <> 'xiaohongshu'
union all
select
    'xiaohongshu' as platform,
    session_id as round_id,
    session_id as conversation_id,
    shop_id,
    user_id as customer_id,
    account_id,
    business_date,
    session_id as first_message_id, -- its clock starts when the user enters
    entered_at as first_message_at,
    entered_at as clock_started_at,
    null as first_reply_id,
    first_reply_at,
    first_response_seconds::decimal(18, 6) as response_seconds,
    is_counted,
    is_on_time,
    case when not is_counted then {{ first_of('exclusion_reasons') }} end as first_reason,
    exclusion_reasons,
    rule_version
from {{ ref('int_xiaohongshu__judged_sessions') }}
