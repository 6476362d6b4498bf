-- The chats that may have rows in the delivery of `dt_no`, their exchanges and their message slots.
-- A delivery needs all chats of the day before, and of the six days before that only those whose rows can land later:
-- the `is_carried` ones. Nothing else is remembered from day to day.

create or replace temp table days as
select
    day_no,
    sub(sub(hash(getvariable('seed')), getvariable('prefix')), day_no + 1000000) as day_key
from range(greatest(getvariable('dt_no') - 7, getvariable('start_no')), getvariable('dt_no')) as numbers (day_no);

create or replace temp table shop_days as
with rosters as (
    select
        agents.shop_no,
        days.day_no,
        list(agents.agent_no order by agents.agent_no) filter (
            (agents.leaves_day is null or agents.leaves_day > days.day_no)
            and (agents.agent_no = 1 or u(sub(agents.agent_key, days.day_no), 'on duty') < 0.8)
        ) as on_duty,
        list(agents.agent_no order by agents.agent_no) filter (agents.leaves_day <= days.day_no) as gone
    from agents, days
    group by all
),

drawn as (
    select
        shops.*,
        days.day_no,
        days.day_key,
        sub(days.day_key, shops.shop_no) as shop_day_key,
        rosters.on_duty,
        rosters.gone,
        month_text(days.day_no) as month,
        -- 1970-01-01 was a Thursday; 0 is Monday.
        (days.day_no + 3) % 7 as weekday
    from shops, days, rosters
    where rosters.shop_no = shops.shop_no and rosters.day_no = days.day_no
),

sized as (
    select
        *,
        getvariable('chats_per_day') * share
        * case when weekday >= 5 then weekend_factor else 1.03 - (weekend_factor - 1) * 0.4 - 0.01 * weekday end
        * (0.9 + 0.2 * u(day_key, 'traffic'))
        * (0.85 + 0.3 * u(shop_day_key, 'traffic')) as expected_chats
    from drawn
),

counted as (
    select *, floor(expected_chats + u(shop_day_key, 'rounding'))::bigint as chats from sized
)

select *, coalesce(sum(chats) over (
    partition by day_no order by shop_no rows between unbounded preceding and 1 preceding
), 0)::bigint as chats_before
from counted;

create or replace temp table chats as
with numbered as (
    select *, unnest(range(chats)) as chat_of_shop from shop_days where chats > 0
),

keyed as (
    select *, chats_before + chat_of_shop + 1 as chat_no, sub(shop_day_key, chat_of_shop) as k from numbered
),

timed as (
    select
        *,
        day_no * day_ms() + getvariable('hours')[1 + pick(k, 'hour', len(getvariable('hours')))] * 3600000
        + 5000 + floor(u(k, 'within the hour') * 3594000)::bigint as start_ms
    from keyed
),

staffed as (
    select
        *,
        day_no * day_ms() + opens_minute * 60000 as opens_ms,
        day_no * day_ms() + closes_minute * 60000 as closes_ms
    from timed
),

routed as (
    select
        *,
        start_ms >= opens_ms and start_ms < closes_ms as is_staffed,
        case
            when len(gone) > 0 and u(k, 'writes to one who left') < 0.02 then 'left'
            when start_ms >= opens_ms and start_ms < closes_ms
                then one_of(k, 'route', getvariable('day_routes'))
            else one_of(k, 'route', getvariable('night_routes'))
        end as route,
        -- Late rows, rows delivered again and all that happens a day or more afterwards come from these chats.
        u(k, 'aftermath') < 0.08 as has_aftermath,
        u(k, 'abandoned') < getvariable('abandoned_share') as is_abandoned
    from staffed
),

kept as (
    select * from routed
    where day_no = getvariable('dt_no') - 1
        or has_aftermath or is_abandoned or not is_staffed or start_ms >= day_no * day_ms() + 79200000
),

peopled as (
    select
        *,
        -- The message ids of the chat begin with the chat's id.
        day_no * 100000000 + chat_no as cid,
        getvariable('prefix') || '-' || strftime(date_of(day_no), '%Y%m%d') || '-' || padded(chat_no, 6) as chat_id,
        getvariable('prefix') || '-user-' || padded(case
            when u(k, 'buyer') < 0.12 then pick(k, 'regular', getvariable('regulars'))
            -- These write to several shops on one day.
            when u(k, 'buyer') < 0.16
                then 10000000 + pick(sub(day_key, pick(k, 'shopper', getvariable('shoppers'))), 'shopper', 9000000)
            else 20000000 + pick(k, 'stranger', 79999999)
        end, 8) as buyer_id,
        u(k, 'buyer') < 0.12 as is_regular,
        u(k, 'buyer') between 0.12 and 0.16 as is_shopper,
        case when route = 'left' then one_of(k, 'agent', gone) else one_of(k, 'agent', on_duty) end as agent_no,
        one_of(k, 'second agent', on_duty) as other_agent_no,
        pick(k, 'topic', getvariable('topics')) as topic,
        case
            when is_abandoned or route in ('left', 'unassigned') then 1 + pick(k, 'length', 2)
            when route in ('bot_only', 'assistant') then 1 + pick(k, 'length', 4)
            else greatest(
                getvariable('lengths')[1 + pick(k, 'length', len(getvariable('lengths')))],
                case route when 'bot_first' then 2 else 1 end
            )
        end as exchanges
    from kept
)

select
    *,
    -- The first exchange that a human gets; null: none does.
    case
        when route in ('bot_only', 'assistant', 'unassigned') then null
        when route = 'bot_first' then 2
        else 1
    end as human_from,
    -- How long the buyer waits for the hand-over.
    case
        when route = 'queue' then ms_between(k, 'wait', 8, 170)
        when route = 'bot_first' and u(k, 'waits') < 0.6 then ms_between(k, 'wait', 3, 75)
        when route = 'pool' and is_staffed then ms_between(k, 'wait', 120, 2400)
        when route = 'pool'
            then opens_ms + case when start_ms >= opens_ms then day_ms() else 0 end - start_ms
                + ms_between(k, 'wait', 20, 2700)
        else 0
    end as handover_wait_ms,
    case
        when exchanges > 1 and route = 'direct' and other_agent_no != agent_no and u(k, 'transfer') < 0.12
            then 1 + pick(k, 'transfer at', exchanges)
    end as transfer_at,
    on_time_rate + 0.04 * (u(sub(shop_key, agent_no), 'speed') - 0.5) as chat_on_time_rate
from peopled;

-- An exchange: one to three questions, then the reply, if there is one, in one to seven messages.
create or replace temp table exchanges as
with numbered as (
    select *, unnest(range(1, exchanges + 1))::integer as exchange_no from chats
),

keyed as (
    select
        *,
        sub(k, exchange_no) as xk,
        case
            when is_abandoned or route in ('left', 'unassigned') then 'nobody'
            when human_from is null or exchange_no < human_from then 'bot'
            else 'human'
        end as answered_by,
        exchange_no = human_from and route in ('bot_first', 'queue', 'pool') as is_handover
    from numbered
),

drawn as (
    select
        *,
        u(xk, 'slow') >= case
            when exchange_no = 1 then least(chat_on_time_rate, 0.985)
            else least(greatest(chat_on_time_rate, getvariable('later_on_time_low')), 0.985)
        end as is_slow,
        case when answered_by = 'bot' then 1 else
            1 + (u(xk, 'second question') < 0.26)::integer + (u(xk, 'third question') < 0.08)::integer
        end as questions,
        case
            when answered_by = 'bot' then 1
            when u(xk, 'answers') < 0.03 then 5 + pick(xk, 'streak', 3)
            else 1 + (u(xk, 'second answer') < 0.28)::integer + (u(xk, 'third answer') < 0.09)::integer
        end as replies,
        ms_between(xk, 'pace', 3, 22) as pace_ms
    from keyed
),

answered as (
    select
        *,
        answered_by = 'nobody' or (answered_by = 'human' and is_slow and u(xk, 'never') < 0.25) as is_unanswered,
        case
            when is_handover then handover_wait_ms
            when exchange_no = transfer_at then ms_between(xk, 'transfer', 10, 45)
            else 0
        end as wait_ms,
        case
            when answered_by = 'bot' then ms_between(xk, 'bot', 1.0, 2.8)
            when u(xk, 'at once') < 0.003 then ms_between(xk, 'instant', 0.1, 0.95)
            when is_slow
                then floor(1000 * (
                    case when exchange_no = 1 then getvariable('first_limit') else getvariable('later_limit') end
                    + 2 + 1500 * power(u(xk, 'how late'), 4)
                ))::bigint
            else floor(1000 * least(
                case when exchange_no = 1 then getvariable('first_limit') else getvariable('later_limit') end - 1,
                greatest(3, getvariable('typical_seconds') * (1.4 - 0.8 * speed) * exp(0.6 * normal(xk, 'typing')))
            ))::bigint
        end as answering_ms
    from drawn
),

spanned as (
    select
        *,
        case when is_unanswered then 0 else replies end as answers,
        case
            when is_unanswered then wait_ms + ms_between(xk, 'gives up', 120, 600)
            else wait_ms + answering_ms + (replies - 1) * pace_ms
        end + ms_between(xk, 'thinks', 6, 60)
        + case when u(xk, 'away') < 0.06 then ms_between(xk, 'away for', 200, 3000) else 0 end as duration_ms
    from answered
),

placed as (
    select
        *,
        start_ms + coalesce(sum(duration_ms) over (
            partition by cid order by exchange_no rows between unbounded preceding and 1 preceding
        ), 0)::bigint as asked_ms
    from spanned
)

select
    cid,
    exchange_no,
    exchanges,
    xk,
    topic,
    answered_by,
    is_unanswered,
    is_handover,
    exchange_no = transfer_at as is_transfer,
    questions,
    answers,
    wait_ms,
    pace_ms,
    asked_ms,
    asked_ms + wait_ms as human_ms,
    case when not is_unanswered then asked_ms + wait_ms + answering_ms end as replied_ms,
    case when not is_unanswered then asked_ms + wait_ms + answering_ms + (replies - 1) * pace_ms end as last_reply_ms,
    case when transfer_at < exchange_no then other_agent_no else agent_no end as asked_agent_no,
    case when transfer_at <= exchange_no then other_agent_no else agent_no end as reply_agent_no
from placed;

-- One row per chat: when it ended, when a human last replied.
create or replace temp table endings as
select
    cid,
    max(coalesce(last_reply_ms, asked_ms + 60000)) as end_ms,
    max(last_reply_ms) filter (answered_by = 'human') as human_end_ms,
    max(asked_ms) as last_asked_ms,
    arg_max(reply_agent_no, exchange_no) filter (answered_by = 'human' and answers > 0) as last_agent_no,
    bool_or(is_unanswered and exchange_no = exchanges) as ends_unanswered,
    coalesce(bool_or(answered_by = 'human' and answers > 0), false) as has_human
from exchanges
group by cid;

-- One row per message of the exchanges: `slot` counts questions, then answers.
create or replace temp table slots as
with numbered as (
    select *, unnest(range(1, questions + answers + 1))::integer as slot from exchanges
),

keyed as (
    select *, sub(xk, slot) as mk, slot <= questions as is_question from numbered
)

select
    cid,
    exchange_no,
    exchanges,
    topic,
    answered_by,
    is_handover,
    wait_ms,
    questions,
    answers,
    slot,
    mk,
    is_question,
    20 * exchange_no + slot as message_no,
    case
        when slot = 1 then asked_ms
        when is_question then asked_ms + floor(
            least(45000, coalesce(replied_ms, asked_ms + 45000) - asked_ms)
            * (slot - 1 + 0.8 * u(mk, 'delay')) / questions
        )::bigint
        else replied_ms + (slot - questions - 1) * pace_ms
    end as at_ms,
    case when is_question then asked_agent_no else reply_agent_no end as agent_no
from keyed;

-- What people write. Content depends on the topic of the chat and the place in it.
create or replace temp macro question_text(topic, exchange_no, exchanges, slot, is_handover, k) as
    case
        when slot > 1 then one_of(k, 'text', getvariable('nudges'))
        when is_handover and exchange_no > 1 then one_of(k, 'text', getvariable('handover_requests'))
        when exchange_no = exchanges and exchanges > 2 then one_of(k, 'text', getvariable('thanks'))
        else one_of(k, 'opening', getvariable('openings'))
            || getvariable('questions')[
                1 + topic * getvariable('per_topic') + pick(k, 'text', getvariable('per_topic'))
            ]
    end;
create or replace temp macro answer_text(topic, is_first, is_last, k) as
    case
        when is_discouraged(k) then one_of(k, 'text', getvariable('discouraged'))
        when not is_first then one_of(k, 'text', getvariable('follow_ups'))
        when is_last then one_of(k, 'text', getvariable('goodbyes'))
        else one_of(k, 'opening', getvariable('salutes'))
            || getvariable('answers')[
                1 + topic * getvariable('per_topic') + pick(k, 'text', getvariable('per_topic'))
            ]
            || one_of(k, 'ending', getvariable('endings'))
    end;
