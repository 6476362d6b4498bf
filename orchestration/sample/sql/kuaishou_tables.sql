-- Kuaishou: one view `out_<table>` per delivered table, with `land_no`, the day of delivery of each row.

create or replace temp view out_messages as
with joined as (
    select
        messages.* exclude (agent_no),
        chat_id || '-' || lpad(message_no::varchar, 3, '0') as message_id,
        chat_id as session_id,
        shop_id,
        buyer_id as user_id,
        case when messages.agent_no is not null then account(shop_id, messages.agent_no) end as agent_id,
        -- Older clients leave the type out.
        case
            when u(mk, 'type') < 0.86 then 'text'
            when u(mk, 'type') < 0.90 then null
            when sender_kind = 'bot' or sender_kind = 'system' or is_discouraged(mk) then 'text'
            when u(mk, 'type') < 0.95 then 'image'
            when u(mk, 'type') < 0.97 then 'product_card'
            when u(mk, 'type') < 0.985 then 'order_card'
            when u(mk, 'type') < 0.995 then 'emoji'
            else 'video'
        end as message_type,
        case
            when coalesce(message_type, 'text') = 'emoji' then one_of(mk, 'text', ['😊', '👍', '🌹', '😂', '[微笑]', '😡'])
            when coalesce(message_type, 'text') != 'text' then null
            when sender_kind = 'system' then '用户进入会话'
            when sender_kind = 'bot' then one_of(mk, 'text', getvariable('bot_answers'))
            when is_question then question_text(messages.topic, exchange_no, messages.exchanges, slot, is_handover, mk)
            else answer_text(
                messages.topic, slot = questions + 1, exchange_no = messages.exchanges and messages.exchanges > 2, mk
            )
        end as content,
        epoch_ms(at_ms) as sent_at,
        has_aftermath,
        lands(at_ms, mk, has_aftermath) as land_no
    from messages
    inner join talks using (cid)
)

select * from joined
union all
-- Delivered again, half of them corrected.
select * replace (
    case when u(mk, 'corrected') < 0.5 and content is not null then content || '(已更正)' else content end as content,
    land_no + 1 + pick(mk, 'again on', 2) as land_no
)
from joined
where has_aftermath and u(mk, 'late') >= 0.2 and u(mk, 'again') < 0.15;

create or replace temp view out_session_events as
with events as (
    select
        cid, 'e1' as event,
        case when route = 'direct' then 'assigned' else 'bot_started' end as event_type,
        case when route = 'direct' then account(shop_id, agent_no) end as agent_id,
        start_ms - ms_between(k, 'event', 0, 1.2) as at_ms
    from talks
    union all
    select cid, 'e2', 'assigned', account(shop_id, agent_no), human_ms
    from exchanges inner join talks using (cid)
    where is_handover
    union all
    select cid, 'e3', 'transferred', account(shop_id, other_agent_no), human_ms
    from exchanges inner join talks using (cid)
    where is_transfer
    union all
    select
        cid, 'e4', 'closed', case when has_human then account(shop_id, last_agent_no) end,
        end_ms + ms_between(k, 'closed', 600, 2400)
    from talks
    where u(k, 'is closed') < 0.7
)

select
    chat_id || '-' || event as event_id,
    chat_id as session_id,
    shop_id,
    buyer_id as user_id,
    agent_id,
    event_type,
    epoch_ms(at_ms) as occurred_at,
    lands(at_ms, sub(k, event), has_aftermath) as land_no
from events
inner join talks using (cid);

create or replace temp view out_rating_cards as
with cards as (
    select
        *,
        end_ms + ms_between(k, 'card', 20, 600) as sent_ms,
        has_human or route != 'bot_only' as is_human
    from talks
    where (has_human or route = 'bot_only') and u(k, 'asked to rate') < 0.6
),

rated as (
    select
        *,
        case
            when u(k, 'rates') < 0.08 and has_aftermath then sent_ms + ms_between(k, 'rates after', 3000, 90000)
            when u(k, 'rates') < 0.4 then sent_ms + ms_between(k, 'rates after', 3, 1500)
        end as rated_ms,
        satisfied_rate + 0.06 * (u(sub(shop_key, last_agent_no), 'care') - 0.5) - case when is_human then 0 else 0.2 end
            as chance,
        day_of(sent_ms) + 1 as first_land_no
    from cards
),

levelled as (
    select
        *,
        case
            when u(k, 'level') < coalesce(chance, satisfied_rate - 0.2) then 'satisfied'
            when u(k, 'how bad') < 0.5 then 'neutral'
            else 'disappointed'
        end as level_given,
        version = 2 or coalesce(day_of(rated_ms) = day_of(sent_ms), false) as is_known
    from rated, (values (1), (2)) as versions (version)
    where version = 1 or day_of(rated_ms) > day_of(sent_ms)
)

select
    chat_id || '-k' as card_id,
    chat_id as session_id,
    shop_id,
    buyer_id as user_id,
    case when is_human then account(shop_id, last_agent_no) end as agent_id,
    case when is_human then 'human' else 'bot' end as service_kind,
    one_of(k, 'channel', ['user_initiated', 'merchant_invited', 'system_pushed', 'system_pushed']) as channel,
    epoch_ms(sent_ms) as sent_at,
    case when is_known then level_given end as level,
    case when is_known then epoch_ms(rated_ms) end as rated_at,
    case version when 1 then first_land_no else greatest(day_of(rated_ms), first_land_no) + 1 end as land_no
from levelled;

create or replace temp view out_malicious_reports as
with reports as (
    select
        *,
        end_ms + ms_between(k, 'reported', 60, 2000) as reported_ms
    from talks
    where has_aftermath and u(k, 'malicious') < 0.08
),

resolved as (
    select
        *,
        -- Some stay open for good.
        case
            when u(k, 'resolved') < 0.85 then reported_ms + ms_between(k, 'resolved after', 40000, 300000)
        end as resolved_ms
    from reports
)

select
    chat_id || '-m' as report_id,
    shop_id,
    buyer_id as user_id,
    epoch_ms(reported_ms) as reported_at,
    epoch_ms(case when u(k, 'effective') < 0.7 then start_ms - 5000 else day_no * day_ms() end) as effective_from,
    case when version = 2 or day_of(resolved_ms) = day_of(reported_ms) then epoch_ms(resolved_ms) end as resolved_at,
    case when version = 2 or day_of(resolved_ms) = day_of(reported_ms)
        then case when u(k, 'result') < 0.65 then 'upheld' else 'rejected' end
    end as result,
    case version when 1 then day_of(reported_ms) else day_of(resolved_ms) end + 1 as land_no
from resolved, (values (1), (2)) as versions (version)
where version = 1 or day_of(resolved_ms) > day_of(reported_ms);

create or replace temp view out_assisted_after_sales as
with requests as (
    select
        *,
        end_ms + ms_between(k, 'request', 5, 900) as initiated_ms
    from talks
    where has_human and has_aftermath and u(k, 'after sales') < 0.35
),

handled as (
    select
        *,
        case
            when u(k, 'outcome') < 0.10 then initiated_ms + ms_between(k, 'withdrawn', 60, 20000)
        end as withdrawn_ms,
        -- A few answer after their 24 hours.
        case
            when u(k, 'outcome') between 0.10 and 0.80
                then initiated_ms + floor(1000 * (30 + 100000 * power(u(k, 'answers after'), 2)))::bigint
        end as responded_ms
    from requests
),

settled as (
    select *, coalesce(withdrawn_ms, responded_ms) as settled_ms from handled
)

select
    chat_id || '-a' as request_id,
    shop_id,
    buyer_id as user_id,
    account(shop_id, last_agent_no) as agent_id,
    case when u(k, 'initiator') < 0.93 then 'merchant_agent' else 'creator' end as initiator_kind,
    'ks-order-' || substr(chat_id, 4) as order_id,
    one_of(k, 'order type', [
        'own', 'own', 'own', 'own', 'own', 'cross_border', 'auction', 'voucher', 'local_life', 'e_certificate'
    ]) as order_type,
    one_of(k, 'refund', ['refund_only', 'return_refund']) as refund_kind,
    one_of(k, 'reason', ['buyer', 'buyer', 'merchant']) as reason_party,
    epoch_ms(initiated_ms) as initiated_at,
    case when version = 2 or day_of(settled_ms) = day_of(initiated_ms) then epoch_ms(withdrawn_ms) end as withdrawn_at,
    case when version = 2 or day_of(settled_ms) = day_of(initiated_ms) then epoch_ms(responded_ms) end as responded_at,
    case when responded_ms is not null and (version = 2 or day_of(settled_ms) = day_of(initiated_ms))
        then case when u(k, 'response') < 0.8 then 'confirmed' else 'modified' end
    end as response,
    case version when 1 then day_of(initiated_ms) else day_of(settled_ms) end + 1 as land_no
from settled, (values (1), (2)) as versions (version)
where version = 1 or day_of(settled_ms) > day_of(initiated_ms);
