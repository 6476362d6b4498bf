-- Xiaohongshu: one view `out_<table>` per delivered table, with `land_no`, the day of delivery of each row.

create or replace temp view out_sessions as
with versioned as (
    select
        *,
        version = 2 or coalesce(day_of(ended_ms) = day_of(entered_ms), false) as is_known,
        day_of(entered_ms) + 1 as first_land_no
    from talks, (values (1), (2)) as versions (version)
    where version = 1 or day_of(ended_ms) > day_of(entered_ms)
)

select
    chat_id as session_id,
    shop_id,
    buyer_id as user_id,
    case when is_by_merchant then 'merchant' else 'user' end as initiated_by,
    epoch_ms(entered_ms) as entered_at,
    case when is_known then epoch_ms(ended_ms) end as ended_at,
    case when is_known then ended_by end as ended_by,
    case version when 1 then first_land_no else greatest(day_of(ended_ms), first_land_no) + 1 end as land_no
from versioned;

create or replace temp view out_messages as
with joined as (
    select
        messages.* exclude (agent_no),
        chat_id || '-' || lpad(message_no::varchar, 3, '0') as message_id,
        chat_id as session_id,
        shop_id,
        case when messages.agent_no is not null then account(shop_id, messages.agent_no) end as agent_id,
        case
            -- Pictures and cards come without text.
            when u(mk, 'type') < 0.06 then null
            when sender_kind = 'system' then '会话开始'
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
        cid, 'e1' as event, 'assigned' as event_type, account(shop_id, agent_no) as agent_id,
        entered_ms + ms_between(k, 'event', 0, 0.25) as at_ms
    from talks
    where route = 'direct'
    union all
    select cid, 'e2', 'assigned', account(shop_id, agent_no), human_ms
    from exchanges inner join talks using (cid)
    where is_handover
    union all
    select cid, 'e3', 'transferred', account(shop_id, other_agent_no), human_ms
    from exchanges inner join talks using (cid)
    where is_transfer
)

select
    chat_id || '-' || event as event_id,
    chat_id as session_id,
    shop_id,
    event_type,
    agent_id,
    epoch_ms(at_ms) as occurred_at,
    lands(at_ms, sub(k, event), has_aftermath) as land_no
from events
inner join talks using (cid);

create or replace temp view out_ratings as
with rated as (
    select
        *,
        coalesce(ended_ms, end_ms) + ms_between(k, 'rates after', 4, 900) as rated_ms,
        satisfied_rate + 0.06 * (u(sub(shop_key, last_agent_no), 'care') - 0.5) as chance
    from talks
    where has_human and u(k, 'rates') < 0.34
),

versioned as (
    -- A few are given again on the next day.
    select
        *,
        sub(k, 'rating ' || version) as rk,
        rated_ms + case when version = 2 then day_ms() else 0 end as version_ms
    from rated, (values (1), (2)) as versions (version)
    where version = 1 or (has_aftermath and u(k, 'rates again') < 0.3)
)

select
    chat_id as session_id,
    case
        when u(rk, 'satisfied') < chance then 4 + (u(rk, 'stars') < 0.8)::integer
        else 1 + pick(rk, 'stars', 3)
    end as stars,
    epoch_ms(version_ms) as rated_at,
    day_of(version_ms) + 1 as land_no
from versioned;

create or replace temp view out_work_hours as
with settings as (
    select
        *,
        shop_no % 5 = 3 as is_short,
        case when u(shop_key, 'changes hours') < 0.5 then 4 + pick(shop_key, 'hours change on', 12) end as change_after
    from shops
),

hours as (
    select
        shop_id,
        getvariable('start_no') as from_day,
        case when is_short then 600 else opens_minute end as opens,
        case when is_short then 1230 when shop_no % 5 = 4 then 1440 else closes_minute end as closes,
        getvariable('start_no') + 1 as land_no
    from settings
    union all
    select
        shop_id,
        getvariable('start_no') + change_after,
        opens_minute - 30,
        closes_minute,
        getvariable('start_no') + change_after
    from settings
    where change_after is not null
)

select
    shop_id,
    date_of(from_day) as valid_from,
    padded(opens // 60, 2) || ':' || padded(opens % 60, 2) as opens_at,
    padded(closes // 60, 2) || ':' || padded(closes % 60, 2) as closes_at,
    land_no
from hours;
