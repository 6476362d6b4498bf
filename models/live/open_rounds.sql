-- V-01: the rounds (轮次) and sessions that wait for an answer at the moment, each while it can still get one.
with as_of as (select * from {{ ref('live_as_of') }}),

rounds as (select * from {{ ref('int_judged_rounds') }} where platform <> 'xiaohongshu' and first_reply_at is null),

sessions as (select * from {{ ref('int_xiaohongshu__waiting_sessions') }}),

rules as (select * from {{ ref('live_rules') }}),

unanswered as (
    select
        r.platform,
        r.shop_id,
        r.conversation_id,
        r.customer_id as buyer_id,
        r.account_id,
        r.first_message_id,
        r.clock_started_at,
        u.response_target_seconds as target_seconds,
        u.risk_seconds,
        -- T-09: it waits in the pool or with a bot, and no target runs yet
        array_contains(r.exclusion_reasons, 'not_routed_to_human') as is_in_pool,
        r.segment = 'in' as is_in_window,
        r.exclusion_reasons,
        r.rule_version
    from rounds r
    join rules u on r.rule_version = u.rule_version
    union all
    select
        'xiaohongshu', shop_id, session_id, user_id, account_id, first_message_id, clock_started_at, target_seconds, risk_seconds,
        false, in_work_hours, exclusion_reasons, rule_version
    from sessions
),

waiting as (
    select
        w.*,
        a.as_of,
        {{ seconds_between('w.clock_started_at', 'a.as_of') }} as waiting_seconds
    from unanswered w
    join as_of a on w.platform = a.platform
    join rules u on w.rule_version = u.rule_version
    where a.as_of < w.clock_started_at + u.reply_horizon
)

select
    as_of,
    platform,
    shop_id,
    conversation_id,
    buyer_id,
    account_id,
    first_message_id,
    clock_started_at,
    case when not is_in_pool then clock_started_at + target_seconds::double * interval 1 second end as answer_due_at,
    waiting_seconds::double as waiting_seconds,
    case
        when is_in_pool then 'in_pool'
        when waiting_seconds > target_seconds then 'missed'
        when waiting_seconds >= risk_seconds then 'at_risk'
        else 'open'
    end as state,
    is_in_window,
    exclusion_reasons
from waiting
