-- One script for taobao_rounds and the day rows of service_metrics of Taobao, straight from the Parquet files of a landing folder:
-- what kefu's figures cost at the least, without increments, checks, explanations or any other table. It is written by hand, reads
-- the rules from the same seeds, and takes every shortcut that the answer allows; the comments name those.
--
-- Variables: `landing` and `seeds`, folders. The results are tables of the database that is open.

-- The rows of a table that stand: of one key that of the last dt, within a dt of the last file and row, which is the order of paths.
create temp macro standing(table_name, key) as table
    select *
    from read_parquet(getvariable('landing') || '/taobao/' || table_name || '/dt=*/*.parquet', hive_partitioning = false)
    qualify row_number() over (partition by key order by file_index desc, file_row_number desc) = 1;

-- The same of a large table, of which few rows come again: only those whose hash does are compared by key. The keys alone are read
-- three times, the rest once.
create temp macro standing_of_many(table_name, key) as table
    with files as not materialized (
        select *, file_index as file_number, file_row_number as row_number
        from read_parquet(getvariable('landing') || '/taobao/' || table_name || '/dt=*/*.parquet', hive_partitioning = false)
    ),

    repeated as (select hash(key) as hashed from files group by all having count(*) > 1),

    replaced as (
        select file_number, row_number
        from files
        where hash(key) in (from repeated)
        qualify row_number() over (partition by key order by file_number desc, row_number desc) > 1
    )

    select * from files anti join replaced using (file_number, row_number);

create temp table parameters as
    select
        scope, parameter, value,
        coalesce(valid_from::date, '0001-01-01'::date) as valid_from, coalesce(valid_to::date, '9999-12-31'::date) as valid_to
    from read_csv(getvariable('seeds') || '/rule_parameters.csv', all_varchar = true)
    where scope in ('taobao', 'tmall');

-- The rules side by side, a row per marketplace and period in which none of them changes.
create temp table rules as
    with versions as (
        select
            scope,
            scope || case when changes_on = '0001-01-01'::date then '' else '@' || changes_on end as rule_version,
            changes_on as valid_from,
            coalesce(lead(changes_on) over (partition by scope order by changes_on) - 1, '9999-12-31'::date) as valid_to
        from (
            select scope, valid_from as changes_on from parameters
            union
            select scope, valid_to + 1 from parameters where valid_to < '9999-12-31'::date
        )
    )
    select
        v.*,
        max(p.value) filter (where p.parameter = 'window_start')::interval as window_start,
        max(p.value) filter (where p.parameter = 'window_end')::interval as window_end,
        max(p.value) filter (where p.parameter = 'response_target_seconds')::decimal(18, 6) as response_target_seconds,
        max(p.value) filter (where p.parameter = 'zero_second_threshold')::decimal(18, 6) as zero_second_threshold,
        max(p.value) filter (where p.parameter = 'response_cap_seconds')::decimal(18, 6) as response_cap_seconds,
        max(p.value) filter (where p.parameter = 'unanswered_response_seconds')::decimal(18, 6) as unanswered_response_seconds,
        max(p.value) filter (where p.parameter = 'satisfied_max_eval_code')::integer as satisfied_max_eval_code,
        max(p.value) filter (where p.parameter = 'rating_edit_hours')::integer * interval 1 hour as rating_edit_limit,
        max(p.value) filter (where p.parameter = 'rating_max_edits')::integer as rating_max_edits,
        max(p.value) filter (where p.parameter = 'rejection_click_days')::integer as rejection_click_days
    from versions v
    join parameters p on v.scope = p.scope and v.valid_from between p.valid_from and p.valid_to
    group by all;

-- These have one value for all days and both marketplaces (a second one would be an error here), so that an item is read under the
-- rules of its own day alone.
set variable look_back = (
    select distinct value::integer * interval 1 day from parameters where parameter = 'routing_lookback_days'
);
set variable horizon = (select distinct value::integer * interval 1 hour from parameters where parameter = 'reply_horizon_hours');

create temp table shops as select shop_id, marketplace from standing('shops', shop_id); -- a shop without a row is a Tmall shop

create temp table closings as select * from standing('shop_closings', closing_id);

create temp table accounts as select * from standing('accounts', account_id);

create temp table exempt_periods as
    select scope, first_date::date as first_date, last_date::date as last_date
    from read_csv(getvariable('seeds') || '/exempt_periods.csv', all_varchar = true);

create or replace table taobao_rounds as
with types as (
    select
        message_type, direction, coalesce(opens_round::boolean, false) as opens_round, coalesce(answers::boolean, false) as answers,
        coalesce(valid_from::date, '0001-01-01'::date) as valid_from, coalesce(valid_to::date, '9999-12-31'::date) as valid_to
    from read_csv(getvariable('seeds') || '/taobao_message_types.csv', all_varchar = true)
),

recalls as (
    select message_id
    from read_parquet(getvariable('landing') || '/taobao/message_recalls/dt=*/*.parquet', hive_partitioning = false)
),

items as materialized (
    select
        m.conversation_id, m.shop_id, m.buyer_id, m.account_id, m.sent_at as item_at, m.message_id as item_id, m.peer_kind,
        case when t.opens_round then 'Q' when m.author_kind = 'auto_bot' then 'B' else 'R' end as kind,
        (case when t.opens_round then 1 else 2 end)::utinyint as item_rank
    from standing_of_many('messages', message_id) m
    join types t
        on m.message_type = t.message_type and m.direction = t.direction and m.sent_at::date between t.valid_from and t.valid_to
    where
        (t.opens_round and (m.author_kind = 'consumer' or m.message_type = 'work_order') and m.message_id not in (from recalls))
        or (t.answers and m.author_kind in ('agent', 'assist_bot', 'auto_bot'))
    union all
    select
        conversation_id, shop_id, buyer_id, account_id, occurred_at, event_id, null,
        case when event_type = 'assigned' then 'H' else 'N' end, 0
    from standing_of_many('reception_events', event_id)
    where event_type in ('assigned', 'bot_started', 'pooled')
),

-- Who waits: only in conversations that the routing took from humans.
routed_away as (select distinct conversation_id from items where kind = 'N'),

marked as (
    select
        *,
        lag(case when kind in ('H', 'N', 'R') then {'at': item_at, 'kind': kind} end ignore nulls) over (
            partition by conversation_id order by item_at, item_rank, item_id
        ) as phase
    from items
    where conversation_id in (from routed_away)
),

waiting as (
    select
        * exclude (phase),
        coalesce(kind = 'Q' and phase.kind = 'N' and phase.at >= item_at - getvariable('look_back'), false) as is_waiting
    from marked
    where kind <> 'N'
),

followed as (
    select
        *,
        coalesce(
            lag(is_waiting) over in_conversation and lag(item_at) over in_conversation >= item_at - getvariable('look_back'), false
        ) as follows_waiting
    from waiting
    window in_conversation as (partition by conversation_id order by item_at, item_rank, item_id)
),

-- One pass for the run that an item is in, the next message of the shop or hand-over, and the next run.
runs as (
    select
        *,
        is_waiting and not follows_waiting as starts_run,
        last_value(case when is_waiting and not follows_waiting then item_id end ignore nulls) over (
            in_conversation rows between unbounded preceding and current row
        ) as run_id,
        lead(
            case
                when kind in ('B', 'R', 'H') then {
                    'at': item_at, 'item_rank': item_rank, 'id': item_id, 'kind': kind, 'account_id': account_id,
                    'takes_over': kind = 'H' and follows_waiting
                }
            end ignore nulls
        ) over in_conversation as next_one,
        lead(
            case when is_waiting and not follows_waiting then {'at': item_at, 'item_rank': item_rank, 'id': item_id} end ignore nulls
        ) over in_conversation as next_run
    from followed
    window in_conversation as (partition by conversation_id order by item_at, item_rank, item_id)
),

take_overs as (
    select
        h.conversation_id, h.item_id,
        min_by({'id': q.item_id, 'at': q.item_at, 'peer_kind': q.peer_kind}, (q.item_at, q.item_id)) as first_message
    from runs h
    join runs q
        on
            h.conversation_id = q.conversation_id and h.run_id = q.run_id and q.is_waiting
            and q.item_at between h.item_at - getvariable('look_back') and h.item_at
    where h.kind = 'H' and h.follows_waiting
    group by all
),

turns as (
    select conversation_id, shop_id, buyer_id, account_id, item_at, item_rank, item_id, kind, peer_kind, null as first_message
    from items
    where kind in ('Q', 'R') and conversation_id not in (from routed_away)
    union all
    select conversation_id, shop_id, buyer_id, account_id, item_at, item_rank, item_id, kind, peer_kind, null
    from runs
    where (kind = 'Q' and not is_waiting) or kind = 'R'
    union all
    select
        h.conversation_id, h.shop_id, h.buyer_id, h.account_id, h.item_at, h.item_rank, h.item_id, h.kind, t.first_message.peer_kind,
        {'id': t.first_message.id, 'at': t.first_message.at}
    from runs h
    join take_overs t on h.conversation_id = t.conversation_id and h.item_id = t.item_id
    where h.kind = 'H'
),

segmented as ( -- 0 before the window, 1 in it, 2 after it
    select
        t.*,
        (
            (t.item_at >= t.item_at::date + u.window_start)::utinyint + (t.item_at >= t.item_at::date + u.window_end)::utinyint
        )::utinyint as segment
    from turns t
    left join shops s on t.shop_id = s.shop_id
    join rules u on coalesce(s.marketplace, 'tmall') = u.scope and t.item_at::date between u.valid_from and u.valid_to
),

-- Rounds are of one account, so whoever replies is the account itself.
answered as (
    select
        *,
        kind <> 'R' and not coalesce(
            lag(kind) over of_account <> 'R'
            and lag(item_at) over of_account >= date_trunc('day', item_at)
            and lag(segment) over of_account = segment,
            false
        ) as opens_round,
        lead(case when kind = 'R' then {'at': item_at, 'id': item_id} end ignore nulls) over of_account as reply
    from segmented
    window of_account as (partition by conversation_id, account_id order by item_at, item_rank, item_id)
),

found as (
    select
        kind, item_id, conversation_id, shop_id, buyer_id, account_id, account_id as opening_account_id,
        coalesce(first_message, {'id': item_id, 'at': item_at}) as first_message, item_at as clock_started_at, peer_kind,
        false as is_waiting,
        case when reply.at <= item_at + getvariable('horizon') then {'at': reply.at, 'id': reply.id, 'kind': 'R'} end as reply
    from answered
    where opens_round
    union all
    select
        kind, item_id, conversation_id, shop_id, buyer_id,
        case
            when next_one.kind <> 'H' and next_one.at <= item_at + getvariable('horizon') then next_one.account_id else account_id
        end,
        account_id, {'id': item_id, 'at': item_at}, item_at, peer_kind, true,
        case
            when next_one.kind <> 'H' and next_one.at <= item_at + getvariable('horizon')
                then {'at': next_one.at, 'id': next_one.id, 'kind': next_one.kind}
        end
    from runs
    where
        starts_run
        and not coalesce(
            next_one.takes_over
            and next_one.at <= item_at + getvariable('horizon')
            and coalesce(next_run > {'at': next_one.at, 'item_rank': next_one.item_rank, 'id': next_one.id}, true),
            false
        )
),

timed as materialized (
    select
        f.*,
        'taobao-' || f.kind || '-' || f.item_id as round_id,
        (date_diff('microsecond', f.clock_started_at, f.reply.at)::decimal(18, 0) * 0.000001)::decimal(18, 6) as elapsed_seconds,
        f.clock_started_at + u.response_target_seconds::double * interval 1 second as on_time_until,
        u.scope, u.rule_version, u.response_target_seconds, u.zero_second_threshold,
        f.clock_started_at < f.clock_started_at::date + u.window_start
        or f.clock_started_at >= f.clock_started_at::date + u.window_end as is_outside_window
    from found f
    left join shops s on f.shop_id = s.shop_id
    join rules u on coalesce(s.marketplace, 'tmall') = u.scope and f.clock_started_at::date between u.valid_from and u.valid_to
),

-- The reasons that other tables give; few rounds have one.
elsewhere as (
    select t.round_id, 'buyer_blocked_shop' as reason
    from timed t
    join standing('buyer_blocks', block_id) b on t.shop_id = b.shop_id and t.buyer_id = b.buyer_id
    where
        b.blocked_at <= t.on_time_until
        and coalesce(b.unblocked_at > t.on_time_until, true)
        and not coalesce(t.reply.kind = 'R' and t.elapsed_seconds <= t.response_target_seconds, false)
    union all
    select t.round_id, f.flag_type
    from timed t
    join standing('platform_flags', flag_id) f on t.conversation_id = f.conversation_id
    where t.clock_started_at >= f.flagged_from and coalesce(t.clock_started_at < f.flagged_to, true)
    union all
    select t.round_id, 'account_disabled'
    from timed t
    join accounts a on t.opening_account_id = a.account_id
    where a.disabled_at <= t.clock_started_at
    union all
    select t.round_id, 'exempt_period'
    from timed t
    join exempt_periods e on t.scope = e.scope and t.clock_started_at::date between e.first_date and e.last_date
    union all
    select t.round_id, 'shop_closed'
    from timed t
    join closings c on t.shop_id = c.shop_id
    where t.clock_started_at >= c.closed_from and coalesce(t.clock_started_at < c.closed_to, true)
),

listed as (select round_id, list(reason) as reasons from elsewhere group by all),

-- In the order of the seed exclusion_reasons.
judged as (
    select
        t.*,
        list_filter(
            [
                case when list_contains(l.reasons, 'buyer_blocked_shop') then 'buyer_blocked_shop' end,
                case when t.is_waiting and t.reply is null then 'not_routed_to_human' end,
                case when t.peer_kind = 'own_account' then 'own_account' end,
                case when t.reply.kind = 'B' then 'non_human_reply' end,
                case when t.is_outside_window then 'outside_window' end,
                case when list_contains(l.reasons, 'ad_account') then 'ad_account' end,
                case when t.peer_kind not in ('own_account', 'consumer') then t.peer_kind end,
                case when list_contains(l.reasons, 'account_disabled') then 'account_disabled' end,
                case when list_contains(l.reasons, 'cheating') then 'cheating' end,
                case when t.reply.kind = 'R' and t.elapsed_seconds < t.zero_second_threshold then 'zero_second_reply' end,
                case when list_contains(l.reasons, 'abusive') then 'abusive' end,
                case when list_contains(l.reasons, 'exempt_period') then 'exempt_period' end,
                case when list_contains(l.reasons, 'shop_closed') then 'shop_closed' end
            ],
            lambda reason: reason is not null
        ) as exclusion_reasons
    from timed t
    left join listed l on t.round_id = l.round_id
)

select
    round_id,
    conversation_id,
    shop_id,
    buyer_id,
    account_id,
    clock_started_at::date as business_date,
    first_message.id as first_message_id,
    first_message.at as first_message_at,
    clock_started_at,
    reply.id as first_reply_id,
    reply.at as first_reply_at,
    elapsed_seconds::double as response_seconds,
    len(exclusion_reasons) = 0 as is_counted,
    coalesce(elapsed_seconds <= response_target_seconds, false) as is_on_time,
    exclusion_reasons,
    rule_version
from judged;

create or replace table service_metrics as
with cards as materialized (select * from standing('rating_cards', card_id)),

submitted as (
    select
        card_id, eval_code, submitted_at,
        row_number() over of_card - 1 as change_number,
        first_value(submitted_at) over of_card as first_rated_at
    from standing('rating_submissions', submission_id)
    window of_card as (partition by card_id order by submitted_at, submission_id)
),

ratings as materialized (
    select
        c.card_id, c.shop_id, c.buyer_id, c.account_id, s.first_rated_at, s.first_rated_at::date as business_date,
        any_value(u.scope) as scope,
        max_by(s.eval_code, s.change_number) filter (
            where s.change_number <= u.rating_max_edits and s.submitted_at <= s.first_rated_at + u.rating_edit_limit
        ) <= any_value(u.satisfied_max_eval_code) as is_satisfied
    from submitted s
    join cards c on s.card_id = c.card_id
    left join shops h on c.shop_id = h.shop_id
    join rules u on coalesce(h.marketplace, 'tmall') = u.scope and s.first_rated_at::date between u.valid_from and u.valid_to
    group by all
),

judged as (
    select
        r.*,
        row_number() over (
            partition by r.shop_id, r.buyer_id, r.account_id, r.business_date order by r.first_rated_at, r.card_id
        ) > 1
        or exists (from exempt_periods e where r.scope = e.scope and r.business_date between e.first_date and e.last_date)
        or r.card_id in (
            select r.card_id
            from ratings r
            join closings c on r.shop_id = c.shop_id
            where r.first_rated_at >= c.closed_from and coalesce(r.first_rated_at < c.closed_to, true)
        ) as is_excluded,
        r.account_id in (select account_id from accounts where account_type = 'service_assistant') as is_assistant
    from ratings r
),

scored as (
    select
        'response_rate_3min' as metric, shop_id, account_id, business_date, is_on_time::integer::decimal(18, 6) as numerator
    from taobao_rounds
    where is_counted
    union all
    select
        'avg_response_seconds', r.shop_id, r.account_id, r.business_date,
        case
            when r.response_seconds is null then u.unanswered_response_seconds
            else least(r.response_seconds::decimal(18, 6), u.response_cap_seconds)
        end
    from taobao_rounds r
    join rules u on r.rule_version = u.rule_version
    where r.is_counted and (r.response_seconds is not null or u.unanswered_response_seconds is not null)
    union all
    select
        case when is_assistant then 'assistant_satisfaction_rate' else 'satisfaction_rate' end, shop_id, account_id, business_date,
        is_satisfied::integer
    from judged
    where not is_excluded
    union all
    select
        'rating_participation_rate', shop_id, account_id, sent_at::date, (card_id in (select card_id from ratings))::integer
    from cards
    where trigger = 'system_invite'
    union all
    select
        'rejection_click_rate', p.shop_id, null, p.triggered_at::date,
        coalesce(p.clicked_at::date <= p.triggered_at::date + u.rejection_click_days and p.clicked_at >= p.triggered_at::date, false)
        ::integer
    from standing('rejection_prompts', prompt_id) p
    left join shops s on p.shop_id = s.shop_id
    join rules u on coalesce(s.marketplace, 'tmall') = u.scope and p.triggered_at::date between u.valid_from and u.valid_to
    where p.exposed_at::date between p.triggered_at::date and p.triggered_at::date + u.rejection_click_days
),

summed as (
    select
        metric,
        case when grouping(account_id) = 0 then 'account' else 'shop' end as subject,
        shop_id,
        account_id,
        business_date,
        sum(numerator)::double as numerator,
        count(*)::double as denominator
    from scored
    group by grouping sets ((metric, shop_id, business_date), (metric, shop_id, account_id, business_date))
)

select
    'taobao' as platform, metric, subject, shop_id, account_id, business_date as period_start, numerator, denominator,
    numerator / denominator as value
from summed
where subject = 'shop' or account_id is not null;
