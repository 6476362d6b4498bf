-- Kuaishou: the chats, messages and what else the delivered tables share.

create or replace temp table talks as
select chats.*, endings.* exclude (cid) from chats inner join endings using (cid);

create or replace temp table messages as
select
    cid, message_no, mk, at_ms, exchange_no, exchanges, topic, is_handover, slot, is_question, questions,
    case
        when answered_by = 'bot' or (is_question and (answered_by = 'nobody' or wait_ms > 0)) then null
        else agent_no
    end as agent_no,
    case when is_question then 'user' when answered_by = 'bot' then 'bot' else 'agent' end as sender_kind
from slots
union all
select
    cid, message_no, sub(k, message_no), start_ms + ms_between(k, 'greeting', 0.2, 0.9), null, exchanges, topic,
    false, 0, false, 0, null, sender_kind
from talks, (values (1, 'system', 0.25), (2, 'bot', 0.2)) as kinds (message_no, sender_kind, likelihood)
where u(sub(k, message_no), 'greeting') < likelihood and (sender_kind = 'system' or route in ('bot_first', 'bot_only'));
