-- Xiaohongshu: the chats, messages and what else the delivered tables share.

create or replace temp table talks as
with entered as (
    select
        chats.*,
        endings.* exclude (cid),
        u(k, 'merchant began') < 0.05 and route = 'direct' as is_by_merchant
    from chats inner join endings using (cid)
),

left_open as (
    select
        *,
        start_ms - case when is_by_merchant then 4500 else ms_between(k, 'entered', 0.3, 1.5) end as entered_ms,
        -- Without any reply the system ends a session after 24 hours.
        case
            when not has_human and u(k, 'left open') < 0.15 then null
            when not has_human then 'system'
            when u(k, 'left open') < 0.03 then null
            else one_of(k, 'ended by', ['agent', 'agent', 'agent', 'agent', 'user', 'user', 'system', 'system'])
        end as ended_by
    from entered
)

select
    *,
    case
        when ended_by is null then null
        when not has_human then greatest(entered_ms + day_ms(), end_ms + 60000)
        else end_ms + ms_between(k, 'ended', 30, 1800)
    end as ended_ms
from left_open;

create or replace temp table messages as
select
    cid, message_no, mk, at_ms, exchange_no, exchanges, topic, is_handover, slot, is_question, questions,
    case when answered_by = 'bot' or (is_question and is_handover) then null else agent_no end as agent_no,
    case when is_question then 'user' when answered_by = 'bot' then 'bot' else 'agent' end as sender_kind
from slots
union all
select
    cid, 1, sub(k, 1), start_ms - ms_between(k, 'merchant writes', 1, 4), 1, exchanges, topic, false, 1, false, 0,
    agent_no, 'agent'
from talks where is_by_merchant
union all
select
    cid, 2, sub(k, 2), start_ms + ms_between(k, 'notice', 0.1, 0.9), null, exchanges, topic, false, 0, false, 0,
    null, 'system'
from talks where u(k, 'notice') < 0.2;
