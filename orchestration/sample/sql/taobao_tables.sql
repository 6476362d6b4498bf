-- Taobao and Tmall: one view `out_<table>` per delivered table, with `land_no`, the day of delivery of each row.

create or replace temp view delivered_messages as
with joined as (
    select
        messages.*,
        chat_id || '-' || lpad(message_no::varchar, 3, '0') as message_id,
        chat_id as conversation_id,
        shop_id,
        buyer_id,
        case
            when is_at_bot then bot_account_id
            else account(shop_id, messages.agent_no)
        end as account_id,
        peer_kind,
        case
            when message_type = 'text' and author_kind = 'greeting' then one_of(mk, 'text', getvariable('greetings'))
            when message_type = 'text' and author_kind = 'auto_bot' then one_of(mk, 'text', getvariable('bot_answers'))
            when message_type = 'text' and is_question
                then question_text(messages.topic, exchange_no, messages.exchanges, slot, is_handover, mk)
            when message_type = 'text'
                then answer_text(
                    messages.topic, slot = questions + 1,
                    exchange_no = messages.exchanges and messages.exchanges > 2, mk
                )
            when message_type = 'link' then 'https://item.example.com/i/' || (10000 + pick(mk, 'text', 90000))
            when message_type = 'emoji' then one_of(mk, 'text', ['😊', '👍', '🌹', '😂', '[微笑]', '😡'])
            when message_type = 'payment_reminder'
                then one_of(mk, 'text', ['亲,您有一笔订单还没付款哦', '库存不多啦,拍下的宝贝记得付款~'])
            when message_type = 'vip_push'
                then one_of(mk, 'text', ['会员专享:新品9折,今晚8点开抢', '老顾客专属券已到账,点击领取🎁'])
        end as content,
        has_aftermath,
        lands(at_ms, mk, has_aftermath) as first_land_no
    from messages
    inner join talks using (cid)
)

select *, content as sent_content, first_land_no as land_no from joined
union all
-- Delivered again, half of them corrected.
select
    *,
    case when u(mk, 'corrected') < 0.5 and content is not null then content || '(已更正)' else content end,
    first_land_no + 1 + pick(mk, 'again on', 2)
from joined
where has_aftermath and u(mk, 'late') >= 0.2 and u(mk, 'again') < 0.15;

create or replace temp view out_messages as
select * replace (sent_content as content), epoch_ms(at_ms) as sent_at from delivered_messages;

create or replace temp view out_message_recalls as
with recalled as (
    select
        chat_id || '-' || lpad(message_no::varchar, 3, '0') as message_id,
        at_ms + ms_between(mk, 'recalled after', 3, 115) as recalled_ms,
        mk,
        has_aftermath,
        lands(at_ms, mk, has_aftermath) as message_land_no
    from messages
    inner join talks using (cid)
    where author_kind in ('consumer', 'agent') and u(mk, 'recalled') < 0.005
)

select
    message_id,
    epoch_ms(recalled_ms) as recalled_at,
    greatest(lands(recalled_ms, sub(mk, 'recall'), has_aftermath), message_land_no) as land_no
from recalled;

create or replace temp view out_reception_events as
with events as (
    select
        cid, 'e1' as event,
        case
            when route = 'direct' then 'assigned'
            when route in ('bot_first', 'bot_only', 'assistant') then 'bot_started'
            else 'pooled'
        end as event_type,
        case when route = 'direct' and is_priority then 'priority' when route = 'direct' then 'direct' end as origin,
        case
            when route = 'direct' then account(shop_id, agent_no)
            when route = 'assistant' then bot_account_id
        end as account_id,
        start_ms - ms_between(k, 'event', 0, 1.2) as at_ms
    from talks
    where route != 'left'
    union all
    select
        cid, 'e2', 'assigned',
        case route when 'bot_first' then 'bot' when 'queue' then 'queue' else 'offline_pool' end,
        account(shop_id, agent_no), human_ms
    from exchanges
    inner join talks using (cid)
    where is_handover
    union all
    select cid, 'e3', 'assigned', 'transfer', account(shop_id, other_agent_no), human_ms
    from exchanges
    inner join talks using (cid)
    where is_transfer
    union all
    select
        cid, 'e4', 'closed', null, case when has_human then account(shop_id, last_agent_no) end,
        end_ms + ms_between(k, 'closed', 1200, 2400)
    from talks
    where u(k, 'is closed') < 0.6
)

select
    chat_id || '-' || event as event_id,
    chat_id as conversation_id,
    shop_id,
    buyer_id,
    account_id,
    event_type,
    origin,
    epoch_ms(at_ms) as occurred_at,
    lands(at_ms, sub(k, event), has_aftermath) as land_no
from events
inner join talks using (cid);

create or replace temp view out_shops as
select
    shop_id,
    case when shop_no % 5 in (2, 4) then 'taobao' else 'tmall' end as marketplace,
    one_of(shop_key, 'name', ['木棉', '小满', '青禾', '云朵', '一只鹿', '山野', '海盐', '栗子']) || one_of(
        shop_key, 'trade', ['服饰', '家居', '数码', '母婴', '美妆', '食品']
    ) || case when shop_no % 5 in (2, 4) then '小店' else '旗舰店' end as shop_name,
    getvariable('start_no') + 1 as land_no
from shops;

create or replace temp view out_accounts as
with staff as (
    select
        account_id,
        shop_id,
        case when agent_no % 6 = 3 then 'proxy' else 'sub' end as account_type,
        one_of(agent_key, 'name', ['小月', '阿木', '晨晨', '子墨', '可可', '小鱼', '安安', '夏夏']) as display_name,
        is_second_line,
        leaves_day
    from agents
)

select *, null::timestamp as disabled_at, getvariable('start_no') + 1 as land_no from staff
union all
-- The account as it is from the day on which it was disabled.
select *, epoch_ms(leaves_day * day_ms() + 1800000), leaves_day + 1 from staff where leaves_day is not null
union all
select
    shop_id || ':' || kind, shop_id, account_type, display_name, case when kind = 'main' then false end, null, null,
    getvariable('start_no') + 1
from shops, (values ('main', 'main', '店长'), ('assistant', 'service_assistant', null))
    as kinds (kind, account_type, display_name);

create or replace temp view out_account_status_events as
with changes as (
    select
        agents.account_id,
        agents.shop_id,
        shop_days.day_no,
        shop_days.closes_minute,
        sub(agents.agent_key, shop_days.day_no) as ak,
        unnest([
            {no: 1, status: 'online', minute: opens_minute - 20, spread: 20},
            {no: 2, status: 'suspended', minute: 690, spread: 60},
            {no: 3, status: 'online', minute: 755, spread: 30},
            {no: 4, status: 'suspended', minute: 1060, spread: 30},
            {no: 5, status: 'online', minute: 1095, spread: 20},
            {no: 6, status: 'offline', minute: closes_minute, spread: 20}
        ], recursive := true)
    from shop_days
    inner join agents using (shop_no)
    where list_contains(shop_days.on_duty, agents.agent_no)
),

timed as (
    select
        *,
        day_no * day_ms() + minute * 60000 + ms_between(sub(ak, no), 'change', 0, spread * 60) as changed_ms
    from changes
    where no in (1, 6)
        or (no in (2, 3) and u(ak, 'lunch') < 0.7)
        or (no in (4, 5) and u(ak, 'supper') < 0.5)
)

select
    account_id || '-' || strftime(date_of(day_no), '%Y%m%d') || '-s' || no as event_id,
    account_id,
    shop_id,
    status,
    epoch_ms(changed_ms) as changed_at,
    lands(changed_ms, sub(ak, no), u(sub(ak, no), 'may be late') < 0.05) as land_no
from timed;

create or replace temp view out_buyer_blocks as
with blocks as (
    select
        *,
        case
            when ends_unanswered then last_asked_ms + ms_between(k, 'blocks after', 20, 150)
            else end_ms + ms_between(k, 'blocks after', 10, 600)
        end as blocked_ms
    from talks
    where peer_kind = 'consumer' and u(k, 'blocks') < case when ends_unanswered then 0.05 else 0.004 end
),

lifted as (
    select
        *,
        case
            when has_aftermath then blocked_ms + ms_between(k, 'unblocks after', 3600, 130000)
            when u(k, 'unblocks') < 0.4 then blocked_ms + ms_between(k, 'unblocks after', 600, 10000)
        end as unblocked_ms
    from blocks
)

select
    chat_id || '-b' as block_id,
    shop_id,
    buyer_id,
    epoch_ms(blocked_ms) as blocked_at,
    case when version = 2 or day_of(unblocked_ms) = day_of(blocked_ms) then epoch_ms(unblocked_ms) end as unblocked_at,
    case version
        when 1 then lands(blocked_ms, sub(k, 'block'), has_aftermath)
        else greatest(day_of(unblocked_ms), lands(blocked_ms, sub(k, 'block'), has_aftermath)) + 1
    end as land_no
from lifted, (values (1), (2)) as versions (version)
where version = 1 or day_of(unblocked_ms) > day_of(blocked_ms);

create or replace temp view out_platform_flags as
with flags as (
    select
        *,
        start_ms + case when u(k, 'flag from') < 0.6 then -5000 else ms_between(k, 'flag at', 5, 120) end as from_ms
    from talks
    where peer_kind = 'consumer' and u(k, 'flagged') < 0.009
)

select
    chat_id || '-f' as flag_id,
    shop_id,
    chat_id as conversation_id,
    one_of(k, 'flag', ['ad_account', 'cheating', 'abusive']) as flag_type,
    epoch_ms(from_ms) as flagged_from,
    case when u(k, 'flag ends') < 0.5 then epoch_ms(from_ms + ms_between(k, 'flagged for', 60, 7200)) end as flagged_to,
    lands(start_ms, sub(k, 'flag'), has_aftermath) as land_no
from flags;

create or replace temp view out_rating_cards as
select
    card_id, shop_id, buyer_id, account_id, trigger, epoch_ms(sent_ms) as sent_at, day_of(sent_ms) + 1 as land_no
from cards;

create or replace temp view out_rating_submissions as
with submitted as (
    select
        *,
        sub(ck, change_no) as sk,
        rated_ms + change_no * change_ms as submitted_ms,
        -- Who changes a rating mostly raises it.
        least(0.97, card_satisfied_rate + case when change_no > 0 then 0.1 else 0 end)
            - case when changes > 0 and change_no = 0 then 0.45 else 0 end
            -- Who rates after a night is less content.
            - case when day_of(rated_ms) > day_of(sent_ms) then 0.3 else 0 end as satisfied_chance
    from (select *, unnest(range(changes + 1)) as change_no from cards where is_rated)
)

select
    card_id || '-' || change_no as submission_id,
    card_id,
    case
        when u(sk, 'satisfied') < satisfied_chance then (u(sk, 'code') < 0.25)::integer
        else 2 + pick(sk, 'code', 3)
    end as eval_code,
    epoch_ms(submitted_ms) as submitted_at,
    -- A delivery is made at 09:00 and has the ratings given until then: some of them can still be changed.
    lands(greatest(submitted_ms - 9 * 3600000, sent_ms), sub(sk, 'submission'), has_aftermath) as land_no
from submitted;

create or replace temp view out_rejection_prompts as
with prompts as (
    select
        talks.*,
        messages.* exclude (cid, topic, exchanges, agent_no),
        account(talks.shop_id, messages.agent_no) as account_id,
        case when slot = questions + 5 then 'five_in_a_row' else 'discouraged_content' end as trigger
    from messages
    inner join talks using (cid)
    where peer_kind = 'consumer' and answered_by = 'human' and not is_question and slot > 0
        and (
            slot = questions + 5
            or (is_discouraged(mk) and message_type = 'text' and u(mk, 'noticed') < 0.9)
        )
),

shown as (
    select
        *,
        at_ms + 200 as triggered_ms,
        case
            when has_aftermath and u(mk, 'shown late') < 0.4 then at_ms + ms_between(mk, 'shown after', 3600, 180000)
            when u(mk, 'shown') < 0.95 then at_ms + ms_between(mk, 'shown after', 0.4, 30)
        end as exposed_ms
    from prompts
),

clicked as (
    select
        *,
        case
            when u(mk, 'clicked') < 0.012 + 0.09 * (1 - care)
                then exposed_ms + case
                    when has_aftermath then ms_between(mk, 'clicked after', 30, 100000)
                    else ms_between(mk, 'clicked after', 2, 40)
                end
        end as clicked_ms,
        lands(at_ms, sub(mk, 'prompt'), has_aftermath) as first_land_no
    from shown
)

select
    message_id_of as prompt_id,
    shop_id,
    buyer_id,
    account_id,
    trigger,
    epoch_ms(triggered_ms) as triggered_at,
    case when version = 2 or day_of(exposed_ms) = day_of(triggered_ms) then epoch_ms(exposed_ms) end as exposed_at,
    case when version = 2 or day_of(clicked_ms) = day_of(triggered_ms) then epoch_ms(clicked_ms) end as clicked_at,
    case version
        when 1 then first_land_no
        else greatest(day_of(coalesce(clicked_ms, exposed_ms)), first_land_no) + 1
    end as land_no
from (select *, chat_id || '-p' || message_no as message_id_of from clicked), (values (1), (2)) as versions (version)
where version = 1 or day_of(coalesce(clicked_ms, exposed_ms)) > day_of(triggered_ms);

create or replace temp view out_orders as
with bought as (
    select *, unnest([1, 2, 3]) as order_no from talks where peer_kind = 'consumer' and u(k, 'buys') < 0.28
),

timed as (
    select
        *,
        case when order_no = 3 then start_ms + ms_between(k, 'order 3', 5, 90)
            else end_ms + order_no * ms_between(sub(k, order_no), 'order', 20, 1500)
        end as created_ms
    from bought
    where order_no = 1 or u(k, 'buys') < 0.02 * (4 - order_no)
)

select
    chat_id || '-o' || order_no as order_id,
    shop_id,
    buyer_id,
    epoch_ms(created_ms) as created_at,
    lands(created_ms, sub(sub(k, order_no), 'order'), has_aftermath) as land_no
from timed;

create or replace temp view out_conduct_cases as
with cases as (
    select
        *,
        case_type,
        sub(shop_day_key, case_type) as ck,
        day_no * day_ms() + ms_between(sub(shop_day_key, case_type), 'occurred', 30000, 80000) as occurred_ms
    from shop_days, (values ('service_complaint', 0.035), ('dishonest_conduct', 0.012)) as kinds (case_type, likelihood)
    where u(sub(shop_day_key, case_type), 'case') < likelihood
),

verified as (
    select *, case when u(ck, 'verified') < 0.65 then occurred_ms + ms_between(ck, 'verified after', 20000, 320000) end
        as verified_ms
    from cases
)

select
    shop_id || '-' || strftime(date_of(day_no), '%Y%m%d')
    || case case_type when 'service_complaint' then '-c' else '-d' end as case_id,
    shop_id,
    case_type,
    epoch_ms(occurred_ms) as occurred_at,
    case when version = 2 or day_of(verified_ms) = day_of(occurred_ms) then epoch_ms(verified_ms) end as verified_at,
    case version when 1 then day_of(occurred_ms) else day_of(verified_ms) end + 1 as land_no
from verified, (values (1), (2)) as versions (version)
where version = 1 or day_of(verified_ms) > day_of(occurred_ms);

create or replace temp view out_priority_settings as
with saved as (
    select
        shop_id, shop_no, has_priority, queue_enabled, bot_first_enabled, has_priority as is_enabled,
        getvariable('start_no') * day_ms() + 1000 as saved_ms
    from shops
    union all
    select
        shop_id, shop_no, has_priority, queue_enabled, bot_first_enabled, is_on,
        case when is_on then off_to_ms(day_no) else off_from_ms(day_no) end
    from shop_days, (values (false), (true)) as switches (is_on)
    where has_priority and is_toggled(shop_day_key)
)

select
    shop_id || '-' || strftime(epoch_ms(saved_ms), '%Y%m%d%H') as setting_id,
    shop_id,
    epoch_ms(saved_ms) as saved_at,
    is_enabled,
    -- A third of the shops has selected its own audiences only.
    case
        when shop_no % 3 = 0 then [shop_id || ':aud-1', shop_id || ':aud-2']
        else [shop_id || ':member', shop_id || ':aud-1', shop_id || ':aud-2']
    end as audience_ids,
    queue_enabled,
    bot_first_enabled,
    day_of(saved_ms) + 1 as land_no
from saved;

create or replace temp view out_audience_members as
with joined as (
    select
        *,
        sub(pair_key, kind) as jk,
        -- Who writes once may have joined on the same day, or left since; who comes back has a row that never changes.
        case
            when not is_regular and u(k, 'joins today') < 0.15 then start_ms - 2000
            when is_regular
                then getvariable('start_no') * day_ms() - ms_between(sub(pair_key, kind), 'joined', 90000, 20000000)
            else (day_no - 12) * day_ms() - ms_between(sub(pair_key, kind), 'joined', 90000, 20000000)
        end as joined_ms
    from (
        select *, 'member' as kind from talks where is_member
        union all
        select *, 'aud-' || (1 + pick(pair_key, 'which', 2)) from talks where is_custom
    )
)

select
    shop_id || ':' || kind as audience_id,
    buyer_id,
    shop_id,
    case kind when 'member' then 'member' else 'custom' end as audience_kind,
    epoch_ms(joined_ms) as joined_at,
    case when not is_regular and joined_ms < start_ms - 2000 and u(jk, 'leaves') < 0.1
        then epoch_ms((day_no - pick(jk, 'left on', 3)) * day_ms() + 1000)
    end as left_at,
    day_no + 1 as land_no
from joined
qualify row_number() over (partition by audience_id, buyer_id, day_no order by cid) = 1;

create or replace temp view out_routing_entries as
with entered as (
    select
        *,
        u(k, 'recent agent') < 0.2 as is_recent,
        case when u(k, 'entry point') < 0.7 then 'lit_icon' else 'message_box' end as entry_point,
        is_priority and u(k, 'exclusive') < 0.06 as exclusive_service_priority,
        case
            when queue_enabled then 'skipped_queue' when bot_first_enabled then 'skipped_bot' else 'arranged'
        end as prompt
    from talks
    where peer_kind = 'consumer' and route != 'left' and (is_priority or u(k, 'entry') < 0.25)
)

select
    chat_id || '-r' as entry_id,
    shop_id,
    buyer_id,
    chat_id as conversation_id,
    epoch_ms(start_ms - 4000) as entered_at,
    entry_point,
    case
        when route = 'direct' then 'human'
        when route in ('bot_first', 'bot_only') then 'bot'
        when route = 'assistant' then 'service_assistant'
        else 'queue'
    end as routed_kind,
    case when route = 'direct' then account(shop_id, agent_no) when route = 'assistant' then bot_account_id end
        as routed_account_id,
    is_recent as is_recent_agent,
    -- The export leaves the field out where the service is not used.
    case when u(k, 'exclusive field') < 0.5 or exclusive_service_priority then exclusive_service_priority end
        as exclusive_service_priority,
    case
        when u(k, 'odd prompt') < 0.02 then one_of(k, 'prompt', ['skipped_queue', 'skipped_bot', 'arranged', null])
        when is_priority and entry_point = 'lit_icon' and (queue_enabled or not is_recent) then prompt
    end as prompt_shown,
    lands(start_ms - 4000, sub(k, 'entry'), has_aftermath) as land_no
from entered;

create or replace temp view out_official_grades as
with published as (
    select
        *,
        month_text(published_day) as month,
        getvariable('dt_no') as land_no
    from shops, (
        -- On the first of a month; in the first delivery for the month under way.
        select getvariable('dt_no') as published_day
        where day(date_of(getvariable('dt_no'))) = 1
        union
        select getvariable('start_no') where getvariable('dt_no') = getvariable('start_no') + 1
    )
)

select
    shop_id,
    month,
    grade_of(shop_key, shop_no, month) as grade,
    case
        when u(sub(shop_key, month), 'scored') < 0.9
            then round(3.2 + 1.2 * care + 0.5 * u(sub(shop_key, month), 'score'), 2)
    end as experience_score,
    land_no
from published
where grade_of(shop_key, shop_no, month) is not null;

-- Now and then a shop closes early.
create or replace temp view out_shop_closings as
with closings as (
    select
        *,
        day_no * day_ms() + (21 + 2 * u(shop_day_key, 'closes at')) * 3600000 as closed_ms
    from shop_days
    where u(shop_day_key, 'closes early') < 0.03
)

select
    shop_id || '-closed-' || strftime(date_of(day_no), '%Y%m%d') as closing_id,
    shop_id,
    epoch_ms(closed_ms::bigint) as closed_from,
    epoch_ms((day_no + 1) * day_ms() + 9 * 3600000) as closed_to,
    day_no + 1 as land_no
from closings;
