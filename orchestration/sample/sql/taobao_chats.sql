-- Taobao and Tmall: the chats, messages and what else the delivered tables share.

create or replace temp macro grade_of(shop_key, shop_no, month) as
    case
        when shop_no > 1 and u(shop_key, 'ungraded') < 0.12 then null
        when u(sub(shop_key, month), 'grade') < 0.35 then 'gold'
        when u(sub(shop_key, month), 'grade') < 0.68 then 'silver'
        when u(sub(shop_key, month), 'grade') < 0.84 then 'black'
        else 'none'
    end;

-- Now and then a shop switches its priority reception off after noon and on again in the evening.
create or replace temp macro is_toggled(shop_day_key) as u(shop_day_key, 'toggles') < 0.04;

create or replace temp macro off_from_ms(day_no) as day_no * day_ms() + 46800000;

create or replace temp macro off_to_ms(day_no) as day_no * day_ms() + 61200000;

-- The chats as Taobao sees them.
create or replace temp table talks as
with labelled as (
    select
        chats.*,
        endings.* exclude (cid),
        xor(hash(buyer_id), shop_key) as pair_key,
        grade_of(shop_key, shop_no, month) as grade,
        case
            when route in ('left', 'unassigned', 'assistant') or u(k, 'peer') >= 0.016 then 'consumer'
            when u(k, 'peer') < 0.005 then 'own_account'
            when u(k, 'peer') < 0.010 then 'other_merchant'
            when u(k, 'peer') < 0.013 then 'platform_operator'
            else 'platform_employee'
        end as peer_kind
    from chats
    inner join endings using (cid)
),

paired as (
    select
        * exclude (buyer_id),
        case peer_kind
            when 'consumer' then buyer_id
            when 'own_account' then shop_id || ':main'
            when 'other_merchant' then 'tb-merchant-' || padded(pick(k, 'merchant', 500), 4)
            when 'platform_operator' then 'tb-operator-' || padded(pick(k, 'operator', 60), 3)
            else 'tb-employee-' || padded(pick(k, 'employee', 300), 4)
        end as buyer_id,
        -- Those who write to several shops are in nobody's audience: two rows of one day could differ.
        peer_kind = 'consumer' and not is_shopper and u(pair_key, 'member') < 0.18 as is_member,
        peer_kind = 'consumer' and not is_shopper and u(pair_key, 'custom') < 0.07 as is_custom
    from labelled
)

select
    *,
    shop_id || case when route = 'assistant' then ':assistant' else ':main' end as bot_account_id,
    route = 'direct' and is_staffed and has_priority and grade in ('gold', 'silver')
    and (is_custom or (is_member and not (shop_no % 3 = 0)))
    and not (is_toggled(shop_day_key) and start_ms >= off_from_ms(day_no) and start_ms < off_to_ms(day_no))
    and u(k, 'priority works') < 0.95 as is_priority
from paired;

create or replace temp table cards as
with wanted as (
    select
        *,
        unnest(list_filter([
            case when has_human and u(k, 'invited') < 0.88 and not ends_unanswered then 'system_invite' end,
            case
                when has_human and u(k, 'rates unasked') < 0.05 then 'buyer_initiated'
                when route = 'assistant' and u(k, 'rates unasked') < 0.2 then 'buyer_initiated'
            end,
            case when has_human and u(k, 'asked by hand') < 0.02 then 'manual' end
        ], lambda wish: wish is not null)) as trigger
    from talks
    where peer_kind = 'consumer'
),

keyed as (
    select
        *,
        sub(k, trigger) as ck,
        chat_id || '-k' || case trigger when 'system_invite' then 1 when 'buyer_initiated' then 2 else 3 end as card_id
    from wanted
),

timed as (
    select
        *,
        case trigger
            when 'system_invite' then human_end_ms
                + case
                    when u(ck, 'odd') < 0.05 then ms_between(ck, 'sent', 60, 1500)
                    else ms_between(ck, 'sent', 540, 585)
                end
            when 'buyer_initiated' then end_ms + ms_between(ck, 'sent', 10, 60)
            else human_end_ms + ms_between(ck, 'sent', 4, 20)
        end as sent_ms,
        case
            when route = 'assistant' then bot_account_id
            else account(shop_id, last_agent_no)
        end as card_account_id,
        satisfied_rate + 0.06 * (u(sub(shop_key, last_agent_no), 'care') - 0.5) as card_satisfied_rate
    from keyed
)

select
    card_id,
    ck,
    cid,
    shop_id,
    buyer_id,
    card_account_id as account_id,
    trigger,
    sent_ms,
    has_aftermath,
    card_satisfied_rate,
    trigger = 'buyer_initiated' or u(ck, 'rated') < 0.34 as is_rated,
    sent_ms + ms_between(ck, 'first rated', 4, 120)
    + case when u(ck, 'takes time') < 0.4 then ms_between(ck, 'time taken', 0, 36000) else 0 end as rated_ms,
    -- How often the buyer changes the rating: most never, a few more often than allowed.
    case
        when has_aftermath and u(ck, 'changes') < 0.35 then 1 + floor(7 * power(u(ck, 'how often'), 3))::integer
        when u(ck, 'changes') < 0.05 then 1 + (u(ck, 'how often') < 0.2)::integer
        else 0
    end as changes,
    case
        when has_aftermath then ms_between(ck, 'change after', 1200, 40000)
        else ms_between(ck, 'change after', 40, 2400)
    end as change_ms
from timed;

create or replace temp table messages as
with special_kinds as (
    -- What is no part of an exchange: likelihood per chat, place (seconds after the start or the end), how it is sent.
    select * from (values
        ('greeting', 1, 0.6, 'start', 0.2, 0.9, 'outbound', 'greeting', 'text'),
        ('welcome card', 2, 0.05, 'start', 0.9, 1.0, 'outbound', 'system', 'welcome_card'),
        ('card click', 3, 0.04, 'start', 0.3, 2, 'inbound', 'consumer', 'card_click'),
        ('red packet in', 301, 0.004, 'end', 5, 60, 'inbound', 'consumer', 'red_packet'),
        ('red packet claim', 302, 0.006, 'end', 60, 400, 'inbound', 'consumer', 'red_packet_claim'),
        ('security notice', 303, 0.004, 'end', 3, 30, 'inbound', 'system', 'security_notice'),
        ('reminder failed', 304, 0.004, 'end', 900, 2000, 'inbound', 'system', 'payment_reminder_failed'),
        ('order change failed', 305, 0.004, 'end', 30, 900, 'inbound', 'system', 'order_change_failed'),
        ('system notice in', 306, 0.006, 'end', 1, 300, 'inbound', 'system', 'system_notice'),
        ('vip push', 307, 0.02, 'end', 1800, 9000, 'outbound', 'agent', 'vip_push'),
        ('reminder', 308, 0.05, 'end', 600, 1800, 'outbound', 'auto_bot', 'payment_reminder'),
        ('reminder by hand', 309, 0.02, 'end', 1800, 3600, 'outbound', 'agent', 'payment_reminder'),
        ('ship intercept', 310, 0.005, 'end', 100, 3000, 'outbound', 'system', 'ship_intercept'),
        ('invoice request', 311, 0.007, 'end', 50, 1000, 'outbound', 'system', 'invoice_request'),
        ('subscription', 312, 0.005, 'end', 20, 600, 'outbound', 'system', 'subscription'),
        ('red packet out', 313, 0.008, 'end', 20, 50, 'outbound', 'agent', 'red_packet'),
        ('system notice out', 314, 0.01, 'end', 10, 100, 'outbound', 'system', 'system_notice')
    ) as kinds (kind, message_no, likelihood, anchor, low, high, direction, author_kind, message_type)
),

spoken as (
    select
        cid, message_no, mk, at_ms, exchange_no, exchanges, topic, answered_by, is_handover, slot, is_question,
        questions, agent_no,
        -- Until the hand-over the buyer writes to the account that the bot works for.
        answered_by = 'bot' or (is_question and is_handover and wait_ms > 0) as is_at_bot,
        case when is_question then 'inbound' else 'outbound' end as direction,
        case
            when is_question then 'consumer'
            when answered_by = 'bot' then 'auto_bot'
            when u(mk, 'assisted') < 0.05 then 'assist_bot'
            else 'agent'
        end as author_kind,
        case
            when u(mk, 'type') < 0.84 or (is_question and is_handover) then 'text'
            when answered_by = 'bot' and not is_question and u(mk, 'type') < 0.96 then 'text'
            when answered_by = 'bot' and not is_question then 'product_card'
            when is_discouraged(mk) then 'text'
            when u(mk, 'type') < 0.89 then 'image'
            when u(mk, 'type') < 0.92 then 'emoji'
            when u(mk, 'type') < 0.95 then 'product_card'
            when u(mk, 'type') < 0.965 then 'order_card'
            when u(mk, 'type') < 0.98 then 'link'
            when u(mk, 'type') < 0.987 then 'video'
            when u(mk, 'type') < 0.994 then 'audio'
            when is_question then 'work_order'
            else 'text'
        end as message_type
    from slots
),

special as (
    select
        cid, message_no, sub(k, message_no) as mk,
        case
            when anchor = 'start' then start_ms + ms_between(k, kind, low, high)
            else end_ms + ms_between(k, kind, low, high)
        end as at_ms,
        null as exchange_no, exchanges, topic, route as answered_by, false as is_handover, 0 as slot,
        direction = 'inbound' as is_question, 0 as questions,
        coalesce(last_agent_no, agent_no) as agent_no,
        author_kind in ('auto_bot', 'greeting') or not has_human as is_at_bot,
        direction, author_kind, message_type
    from talks, special_kinds
    where u(k, kind) < likelihood
        and (peer_kind = 'consumer' or kind = 'greeting')
        and (author_kind != 'agent' or has_human)
),

announced as (
    -- A transfer and an invitation to rate are messages, too.
    select
        exchanges.cid, 200 + exchange_no as message_no, sub(xk, 'notice') as mk, human_ms as at_ms,
        exchange_no, exchanges, topic, answered_by, false as is_handover, 0 as slot, false as is_question,
        0 as questions,
        reply_agent_no as agent_no, false as is_at_bot, 'outbound' as direction, 'system' as author_kind,
        'transfer_notice' as message_type
    from exchanges
    where is_transfer
    union all
    select
        cid, 400, sub(k, 'invite'), sent_ms,
        null, exchanges, topic, 'human', false, 0, false, 0, last_agent_no, false, 'outbound', 'system', 'rating_invite'
    from cards
    inner join talks using (cid)
    where trigger = 'system_invite'
)

select * from spoken
union all
select * from special
union all
select * from announced;
