-- The same two tables as in taobao.sql, in ClickHouse's SQL. {landing}, {seeds} and {target} are folders.
-- What is read more than once is a table: ClickHouse computes a CTE anew wherever it is named.

set session_timezone = 'UTC', max_threads = 2, join_use_nulls = 1, output_format_parquet_compression_method = 'zstd';

create table parameters engine = Memory as
select
    scope, parameter, value,
    toDate32(if(valid_from = '', '1900-01-01', valid_from)) as valid_from,
    toDate32(if(valid_to = '', '2299-12-31', valid_to)) as valid_to
from file(
    '{seeds}/rule_parameters.csv', CSVWithNames,
    'scope String, parameter String, value String, valid_from String, valid_to String, clause_id String, confidence String, source String'
)
where scope in ('taobao', 'tmall');

create table versions engine = Memory as
select
    scope,
    scope || if(changes_on = toDate32('1900-01-01'), '', '@' || toString(changes_on)) as rule_version,
    changes_on as valid_from,
    leadInFrame(changes_on - 1, 1, toDate32('2299-12-31')) over (
        partition by scope order by changes_on rows between unbounded preceding and unbounded following
    ) as valid_to
from (
    select scope, valid_from as changes_on from parameters
    union distinct
    select scope, valid_to + 1 as changes_on from parameters where valid_to < toDate32('2299-12-31')
);

create table rules engine = Memory as
select
    v.scope as scope, v.rule_version as rule_version, v.valid_from as valid_from, v.valid_to as valid_to,
    maxIf(toUInt32OrZero(left(p.value, 2)) * 3600 + toUInt32OrZero(right(p.value, 2)) * 60, p.parameter = 'window_start') as window_start,
    maxIf(toUInt32OrZero(left(p.value, 2)) * 3600 + toUInt32OrZero(right(p.value, 2)) * 60, p.parameter = 'window_end') as window_end,
    maxIf(toDecimal64OrZero(p.value, 6), p.parameter = 'response_target_seconds') as response_target_seconds,
    maxIf(toDecimal64OrZero(p.value, 6), p.parameter = 'zero_second_threshold') as zero_second_threshold,
    maxIf(toDecimal64OrZero(p.value, 6), p.parameter = 'response_cap_seconds') as response_cap_seconds,
    toDecimal64OrNull(maxIf(p.value, p.parameter = 'unanswered_response_seconds'), 6) as unanswered_response_seconds,
    maxIf(toInt32OrZero(p.value), p.parameter = 'satisfied_max_eval_code') as satisfied_max_eval_code,
    maxIf(toInt32OrZero(p.value), p.parameter = 'rating_edit_hours') as rating_edit_hours,
    maxIf(toInt32OrZero(p.value), p.parameter = 'rating_max_edits') as rating_max_edits,
    maxIf(toInt32OrZero(p.value), p.parameter = 'rejection_click_days') as rejection_click_days,
    maxIf(toInt32OrZero(p.value), p.parameter = 'routing_lookback_days') as look_back_days,
    maxIf(toInt32OrZero(p.value), p.parameter = 'reply_horizon_hours') as horizon_hours
from versions v
join parameters p on v.scope = p.scope
where v.valid_from between p.valid_from and p.valid_to
group by v.scope, v.rule_version, v.valid_from, v.valid_to;

create table exempt_periods engine = Memory as
select scope, first_date, last_date
from file(
    '{seeds}/exempt_periods.csv', CSVWithNames,
    'scope String, first_date Date32, last_date Date32, clause_id String, confidence String, source String'
);

create table shops engine = Memory as
select shop_id, marketplace
from file('{landing}/taobao/shops/dt=*/*.parquet', Parquet, 'shop_id String, marketplace String')
order by _path desc, _row_number desc
limit 1 by shop_id;

create table closings engine = Memory as
select shop_id, closed_from, closed_to
from file(
    '{landing}/taobao/shop_closings/dt=*/*.parquet', Parquet,
    'closing_id String, shop_id String, closed_from DateTime64(6), closed_to Nullable(DateTime64(6))'
)
order by _path desc, _row_number desc
limit 1 by closing_id;

create table accounts engine = Memory as
select account_id, account_type, disabled_at
from file(
    '{landing}/taobao/accounts/dt=*/*.parquet', Parquet,
    'account_id String, account_type String, disabled_at Nullable(DateTime64(6))'
)
order by _path desc, _row_number desc
limit 1 by account_id;

-- The rules of each shop that writes, day by day; a shop without a row is a Tmall shop.
create table shop_rules engine = Memory as
select w.shop_id as shop_id, u.* from (
    select distinct shop_id from file('{landing}/taobao/messages/dt=*/*.parquet', Parquet, 'shop_id String')
    union distinct
    select distinct shop_id from file('{landing}/taobao/rating_cards/dt=*/*.parquet', Parquet, 'shop_id String')
    union distinct
    select distinct shop_id from file('{landing}/taobao/rejection_prompts/dt=*/*.parquet', Parquet, 'shop_id String')
) w
left join shops s on w.shop_id = s.shop_id
join rules u on coalesce(s.marketplace, 'tmall') = u.scope;

create table types engine = Memory as
select
    message_type, direction, opens_round = 'true' as opens_round, answers = 'true' as answers,
    toDate32(if(valid_from = '', '1900-01-01', valid_from)) as valid_from,
    toDate32(if(valid_to = '', '2299-12-31', valid_to)) as valid_to
from file(
    '{seeds}/taobao_message_types.csv', CSVWithNames,
    'message_type String, direction String, opens_round String, answers String, counts_towards_limit String, valid_from String, valid_to String, clause_id String'
);

-- Few messages come again: only those whose hash does are compared by id.
create table repeated engine = Memory as
select cityHash64(message_id) as hashed
from file('{landing}/taobao/messages/dt=*/*.parquet', Parquet, 'message_id String')
group by hashed
having count() > 1;

create table replaced engine = Memory as
select path, row
from (
    select
        _path as path, _row_number as row,
        row_number() over (partition by message_id order by _path desc, _row_number desc) as version
    from file('{landing}/taobao/messages/dt=*/*.parquet', Parquet, 'message_id String')
    where cityHash64(message_id) in (select hashed from repeated)
)
where version > 1;

create table items engine = Memory as
select
    m.conversation_id as conversation_id, m.shop_id as shop_id, m.buyer_id as buyer_id, m.account_id as account_id,
    m.sent_at as item_at, if(t.opens_round, 1, 2) as item_rank, m.message_id as item_id,
    if(t.opens_round, 'Q', if(m.author_kind = 'auto_bot', 'B', 'R')) as kind, m.peer_kind as peer_kind
from (
    select *
    from file(
        '{landing}/taobao/messages/dt=*/*.parquet', Parquet,
        'message_id String, conversation_id String, shop_id String, buyer_id String, account_id String, direction String, author_kind String, peer_kind String, message_type String, sent_at DateTime64(6)'
    )
    where (_path, _row_number) not in (select path, row from replaced)
) m
join types t on m.message_type = t.message_type and m.direction = t.direction
where
    toDate32(m.sent_at) between t.valid_from and t.valid_to
    and (
        (
            t.opens_round
            and (m.author_kind = 'consumer' or m.message_type = 'work_order')
            and m.message_id not in (
                select message_id from file('{landing}/taobao/message_recalls/dt=*/*.parquet', Parquet, 'message_id String')
            )
        )
        or (t.answers and m.author_kind in ('agent', 'assist_bot', 'auto_bot'))
    )
union all
select
    conversation_id, shop_id, buyer_id, account_id, occurred_at, 0, event_id, if(event_type = 'assigned', 'H', 'N'), ''
from (
    select *
    from file(
        '{landing}/taobao/reception_events/dt=*/*.parquet', Parquet,
        'event_id String, conversation_id String, shop_id String, buyer_id String, account_id String, event_type String, occurred_at DateTime64(6)'
    )
    order by _path desc, _row_number desc
    limit 1 by event_id
)
where event_type in ('assigned', 'bot_started', 'pooled');

create table routed_away engine = Memory as select distinct conversation_id from items where kind = 'N';

-- Where nothing is found, minIf and maxIf give the epoch, long before any look-back.
create table runs engine = Memory as
with
    coalesce((select max(look_back_days) from rules), 0) as look_back,
    waiting as (
        select *, kind = 'Q' and phase.4 = 'N' and phase.1 >= item_at - toIntervalDay(look_back) as is_waiting
        from (
            select *, maxIf((item_at, item_rank, item_id, kind), kind in ('H', 'N', 'R')) over (
                partition by conversation_id order by item_at, item_rank, item_id
                rows between unbounded preceding and 1 preceding
            ) as phase
            from items
            where conversation_id in (select conversation_id from routed_away)
        )
        where kind <> 'N'
    ),
    followed as (
        select *, before.1 and before.2 >= item_at - toIntervalDay(look_back) as follows_waiting
        from (
            select *, lagInFrame((is_waiting, item_at)) over (
                partition by conversation_id order by item_at, item_rank, item_id
                rows between unbounded preceding and unbounded following
            ) as before
            from waiting
        )
    )
select
    * except (phase, before),
    is_waiting and not follows_waiting as starts_run,
    maxIf((item_at, item_rank, item_id), is_waiting and not follows_waiting) over (
        partition by conversation_id order by item_at, item_rank, item_id rows between unbounded preceding and current row
    ).3 as run_id,
    minIf((item_at, item_rank, item_id, kind, account_id, kind = 'H' and follows_waiting), kind in ('B', 'R', 'H')) over (
        partition by conversation_id order by item_at desc, item_rank desc, item_id desc
        rows between unbounded preceding and 1 preceding
    ) as next_one,
    minIf((item_at, item_rank, item_id), is_waiting and not follows_waiting) over (
        partition by conversation_id order by item_at desc, item_rank desc, item_id desc
        rows between unbounded preceding and 1 preceding
    ) as next_run
from followed;

create table found engine = Memory as
with
    coalesce((select max(look_back_days) from rules), 0) as look_back,
    coalesce((select max(horizon_hours) from rules), 0) as horizon,
    turns as (
        select
            conversation_id, shop_id, buyer_id, account_id, item_at, item_rank, item_id, kind,
            item_id as first_message_id, item_at as first_message_at, peer_kind
        from items
        where kind in ('Q', 'R') and conversation_id not in (select conversation_id from routed_away)
        union all
        select conversation_id, shop_id, buyer_id, account_id, item_at, item_rank, item_id, kind, item_id, item_at, peer_kind
        from runs
        where (kind = 'Q' and not is_waiting) or kind = 'R'
        union all
        select
            h.conversation_id, any(h.shop_id), any(h.buyer_id), any(h.account_id), any(h.item_at), any(h.item_rank), h.item_id, 'H',
            min((q.item_at, q.item_id, q.peer_kind)).2, min((q.item_at, q.item_id, q.peer_kind)).1,
            min((q.item_at, q.item_id, q.peer_kind)).3
        from runs h
        join runs q on h.conversation_id = q.conversation_id and h.run_id = q.run_id
        where
            h.kind = 'H' and h.follows_waiting and q.is_waiting
            and q.item_at between h.item_at - toIntervalDay(look_back) and h.item_at
        group by h.conversation_id, h.item_id
    ),
    segmented as (
        select
            t.*, u.rule_version as rule_version,
            multiIf(
                t.item_at < toStartOfDay(t.item_at) + toIntervalSecond(u.window_start), 'before',
                t.item_at >= toStartOfDay(t.item_at) + toIntervalSecond(u.window_end), 'after', 'in'
            ) as segment
        from turns t
        join shop_rules u on t.shop_id = u.shop_id
        where toDate32(t.item_at) between u.valid_from and u.valid_to
    ),
    answered as (
        select
            *,
            lagInFrame((kind, toDate32(item_at), segment)) over (
                partition by conversation_id, account_id order by item_at, item_rank, item_id
                rows between unbounded preceding and unbounded following
            ) as before,
            minIf((item_at, item_rank, item_id), kind = 'R') over (
                partition by conversation_id, account_id order by item_at desc, item_rank desc, item_id desc
                rows between unbounded preceding and 1 preceding
            ) as next_reply
        from segmented
    )
select
    'taobao-' || kind || '-' || item_id as round_id, conversation_id, shop_id, buyer_id, account_id,
    account_id as opening_account_id, first_message_id, first_message_at, item_at as clock_started_at, peer_kind, segment,
    rule_version, false as is_waiting,
    if(next_reply.1 between item_at and item_at + toIntervalHour(horizon), 'R', '') as reply_kind,
    next_reply.3 as reply_id, next_reply.1 as reply_at
from answered
where kind <> 'R' and not (before.1 in ('Q', 'H') and before.2 = toDate32(item_at) and before.3 = segment)
union all
select
    'taobao-Q-' || r.item_id, r.conversation_id, r.shop_id, r.buyer_id,
    if(
        r.next_one.4 in ('B', 'R') and r.next_one.1 <= r.item_at + toIntervalHour(horizon), r.next_one.5, r.account_id
    ),
    r.account_id, r.item_id, r.item_at, r.item_at, r.peer_kind,
    multiIf(
        r.item_at < toStartOfDay(r.item_at) + toIntervalSecond(u.window_start), 'before',
        r.item_at >= toStartOfDay(r.item_at) + toIntervalSecond(u.window_end), 'after', 'in'
    ),
    u.rule_version, true,
    if(r.next_one.4 in ('B', 'R') and r.next_one.1 <= r.item_at + toIntervalHour(horizon), r.next_one.4, ''),
    r.next_one.3, r.next_one.1
from runs r
join shop_rules u on r.shop_id = u.shop_id
where
    toDate32(r.item_at) between u.valid_from and u.valid_to
    and r.starts_run
    and not (
        r.next_one.6 and r.next_one.1 <= r.item_at + toIntervalHour(horizon)
        and (r.next_run.3 = '' or r.next_run > (r.next_one.1, r.next_one.2, r.next_one.3))
    );

create table timed engine = Memory as
select
    f.*,
    if(f.reply_kind = '', null, toDecimal64(dateDiff('microsecond', f.clock_started_at, f.reply_at), 6) / 1000000) as elapsed_seconds,
    f.clock_started_at + toIntervalMicrosecond(toInt64(u.response_target_seconds * 1000000)) as on_time_until,
    u.scope as scope, u.response_target_seconds as response_target_seconds, u.zero_second_threshold as zero_second_threshold,
    u.response_cap_seconds as response_cap_seconds, u.unanswered_response_seconds as unanswered_response_seconds
from found f
join rules u on f.rule_version = u.rule_version;

create table elsewhere engine = Memory as
select round_id, groupArray(reason) as reasons
from (
    select t.round_id as round_id, 'buyer_blocked_shop' as reason
    from timed t
    join (
        select *
        from file(
            '{landing}/taobao/buyer_blocks/dt=*/*.parquet', Parquet,
            'block_id String, shop_id String, buyer_id String, blocked_at DateTime64(6), unblocked_at Nullable(DateTime64(6))'
        )
        order by _path desc, _row_number desc
        limit 1 by block_id
    ) b on t.shop_id = b.shop_id and t.buyer_id = b.buyer_id
    where
        b.blocked_at <= t.on_time_until
        and (b.unblocked_at is null or b.unblocked_at > t.on_time_until)
        and not (t.reply_kind = 'R' and coalesce(t.elapsed_seconds, toDecimal64(0, 6)) <= t.response_target_seconds)
    union all
    select t.round_id, f.flag_type
    from timed t
    join (
        select *
        from file(
            '{landing}/taobao/platform_flags/dt=*/*.parquet', Parquet,
            'flag_id String, conversation_id String, flag_type String, flagged_from DateTime64(6), flagged_to Nullable(DateTime64(6))'
        )
        order by _path desc, _row_number desc
        limit 1 by flag_id
    ) f on t.conversation_id = f.conversation_id
    where t.clock_started_at >= f.flagged_from and (f.flagged_to is null or t.clock_started_at < f.flagged_to)
    union all
    select t.round_id, 'account_disabled'
    from timed t
    join accounts a on t.opening_account_id = a.account_id
    where a.disabled_at <= t.clock_started_at
    union all
    select t.round_id, 'exempt_period'
    from timed t
    join exempt_periods e on t.scope = e.scope
    where toDate32(t.clock_started_at) between e.first_date and e.last_date
    union all
    select t.round_id, 'shop_closed'
    from timed t
    join closings c on t.shop_id = c.shop_id
    where t.clock_started_at >= c.closed_from and (c.closed_to is null or t.clock_started_at < c.closed_to)
)
group by round_id;

create table judged engine = Memory as
select
    t.*,
    arrayFilter(reason -> reason <> '', [
        if(has(l.reasons, 'buyer_blocked_shop'), 'buyer_blocked_shop', ''),
        if(t.is_waiting and t.reply_kind = '', 'not_routed_to_human', ''),
        if(t.peer_kind = 'own_account', 'own_account', ''),
        if(t.reply_kind = 'B', 'non_human_reply', ''),
        if(t.segment <> 'in', 'outside_window', ''),
        if(has(l.reasons, 'ad_account'), 'ad_account', ''),
        if(t.peer_kind not in ('own_account', 'consumer'), t.peer_kind, ''),
        if(has(l.reasons, 'account_disabled'), 'account_disabled', ''),
        if(has(l.reasons, 'cheating'), 'cheating', ''),
        if(t.reply_kind = 'R' and coalesce(t.elapsed_seconds, toDecimal64(9, 6)) < t.zero_second_threshold, 'zero_second_reply', ''),
        if(has(l.reasons, 'abusive'), 'abusive', ''),
        if(has(l.reasons, 'exempt_period'), 'exempt_period', ''),
        if(has(l.reasons, 'shop_closed'), 'shop_closed', '')
    ]) as exclusion_reasons,
    coalesce(t.elapsed_seconds <= t.response_target_seconds, false) as is_on_time
from timed t
left join elsewhere l on t.round_id = l.round_id;

insert into function file('{target}/taobao_rounds.parquet', Parquet)
select
    round_id, conversation_id, shop_id, buyer_id, account_id,
    toDate32(clock_started_at) as business_date,
    first_message_id, first_message_at, clock_started_at,
    if(reply_kind = '', null, reply_id) as first_reply_id,
    if(reply_kind = '', null, reply_at) as first_reply_at,
    toFloat64(elapsed_seconds) as response_seconds,
    empty(exclusion_reasons)::Bool as is_counted,
    is_on_time::Bool as is_on_time,
    exclusion_reasons, rule_version
from judged;

create table cards engine = Memory as
select *
from file(
    '{landing}/taobao/rating_cards/dt=*/*.parquet', Parquet,
    'card_id String, shop_id String, buyer_id String, account_id String, trigger String, sent_at DateTime64(6)'
)
order by _path desc, _row_number desc
limit 1 by card_id;

create table ratings engine = Memory as
with submitted as (
    select
        card_id, eval_code, submitted_at,
        row_number() over (partition by card_id order by submitted_at, submission_id) - 1 as change_number,
        min(submitted_at) over (partition by card_id) as first_rated_at
    from (
        select *
        from file(
            '{landing}/taobao/rating_submissions/dt=*/*.parquet', Parquet,
            'submission_id String, card_id String, eval_code Int32, submitted_at DateTime64(6)'
        )
        order by _path desc, _row_number desc
        limit 1 by submission_id
    )
)
select
    c.card_id as card_id, any(c.shop_id) as shop_id, any(c.buyer_id) as buyer_id, any(c.account_id) as account_id,
    any(s.first_rated_at) as first_rated_at, any(u.scope) as scope,
    argMaxIf(
        s.eval_code, s.change_number,
        s.change_number <= u.rating_max_edits and s.submitted_at <= s.first_rated_at + toIntervalHour(u.rating_edit_hours)
    ) <= any(u.satisfied_max_eval_code) as is_satisfied
from submitted s
join cards c on s.card_id = c.card_id
join shop_rules u on c.shop_id = u.shop_id
where toDate32(s.first_rated_at) between u.valid_from and u.valid_to
group by c.card_id;

create table rating_exclusions engine = Memory as
select card_id
from (
    select card_id, row_number() over (
        partition by shop_id, buyer_id, account_id, toDate32(first_rated_at) order by first_rated_at, card_id
    ) as place
    from ratings
)
where place > 1
union all
select r.card_id
from ratings r
join exempt_periods e on r.scope = e.scope
where toDate32(r.first_rated_at) between e.first_date and e.last_date
union all
select r.card_id
from ratings r
join closings c on r.shop_id = c.shop_id
where r.first_rated_at >= c.closed_from and (c.closed_to is null or r.first_rated_at < c.closed_to);

insert into function file('{target}/service_metrics.parquet', Parquet)
with scored as (
    select
        'response_rate_3min' as metric, shop_id, account_id, toDate32(clock_started_at) as business_date,
        toDecimal64(is_on_time, 6) as numerator
    from judged
    where empty(exclusion_reasons)
    union all
    select
        'avg_response_seconds', shop_id, account_id, toDate32(clock_started_at),
        assumeNotNull(coalesce(least(elapsed_seconds, response_cap_seconds), unanswered_response_seconds))
    from judged
    where empty(exclusion_reasons) and (elapsed_seconds is not null or unanswered_response_seconds is not null)
    union all
    select
        if(
            account_id in (select account_id from accounts where account_type = 'service_assistant'),
            'assistant_satisfaction_rate', 'satisfaction_rate'
        ),
        shop_id, account_id, toDate32(first_rated_at), toDecimal64(is_satisfied, 6)
    from ratings
    where card_id not in (select card_id from rating_exclusions)
    union all
    select
        'rating_participation_rate', shop_id, account_id, toDate32(sent_at),
        toDecimal64(card_id in (select card_id from ratings), 6)
    from cards
    where trigger = 'system_invite'
    union all
    select
        'rejection_click_rate', p.shop_id, '', toDate32(p.triggered_at),
        toDecimal64(coalesce(
            toDate32(p.clicked_at) between toDate32(p.triggered_at) and toDate32(p.triggered_at) + u.rejection_click_days, false
        ), 6)
    from (
        select *
        from file(
            '{landing}/taobao/rejection_prompts/dt=*/*.parquet', Parquet,
            'prompt_id String, shop_id String, triggered_at DateTime64(6), exposed_at Nullable(DateTime64(6)), clicked_at Nullable(DateTime64(6))'
        )
        order by _path desc, _row_number desc
        limit 1 by prompt_id
    ) p
    join shop_rules u on p.shop_id = u.shop_id
    where
        toDate32(p.triggered_at) between u.valid_from and u.valid_to
        and toDate32(p.exposed_at) between toDate32(p.triggered_at) and toDate32(p.triggered_at) + u.rejection_click_days
),

summed as (
    select
        metric, 'shop' as subject, shop_id, null as account_id, business_date, toFloat64(sum(numerator)) as numerator,
        toFloat64(count()) as denominator
    from scored
    group by metric, shop_id, business_date
    union all
    select metric, 'account', shop_id, account_id, business_date, toFloat64(sum(numerator)), toFloat64(count())
    from scored
    where account_id <> ''
    group by metric, shop_id, account_id, business_date
)

select
    'taobao' as platform, metric, subject, shop_id, account_id, business_date as period_start, numerator, denominator,
    numerator / denominator as value
from summed;
