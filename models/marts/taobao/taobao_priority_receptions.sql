-- Whether each entry was to be received with priority (优先接待), whether it was, and which prompt the buyer was to see.
with entries as (
    select *, entered_at::date as business_date, date_trunc('month', entered_at)::date as month
    from {{ source('taobao', 'routing_entries') }}
),

shops as (select shop_id, scope from {{ ref('int_taobao__shops') }}),

rules as (select * from {{ ref('taobao_rules') }}),

grades as (select * from {{ ref('taobao_grades') }} where grade in ('gold', 'silver')),

settings as (select * from {{ ref('int_taobao__priority_settings') }} where not is_rejected),

members as (select * from {{ source('taobao', 'audience_members') }}),

accounts as (select * from {{ source('taobao', 'accounts') }} where account_type in ('main', 'sub', 'proxy')),

statuses as (select * from {{ source('taobao', 'account_status_events') }}),

-- T-80, T-90: every entry is judged by the grade of its own month, as long as that was not cancelled, and by what was saved last.
conditions as (
    select
        e.*,
        r.priority_prompt_interval,
        g.shop_id is not null as is_graded,
        coalesce(p.is_enabled, false) as is_switched_on,
        p.audience_ids,
        p.queue_enabled,
        p.bot_first_enabled
    from entries e
    join shops s on e.shop_id = s.shop_id
    join rules r on s.scope = r.scope and e.business_date between r.valid_from and r.valid_to
    left join grades g
        on
            e.shop_id = g.shop_id
            and e.month = g.month
            and coalesce(e.business_date < g.cancelled_on, true)
    left join settings p on e.shop_id = p.shop_id and e.entered_at >= p.saved_at and e.entered_at < p.saved_until
),

-- T-82: who joins is in from the next day on, who leaves is in to the end of the day. T-85: members come before other audiences.
audiences as (
    select e.entry_id, case when bool_or(m.audience_kind = 'member') then 'member' else 'audience' end as prompt_kind
    from conditions e
    join members m
        on
            e.buyer_id = m.buyer_id
            and list_contains(e.audience_ids, m.audience_id)
            and m.joined_at::date < e.business_date
            and coalesce(m.left_at::date >= e.business_date, true)
    group by e.entry_id
),

-- T-83: from when to when an account that receives was online; a suspended one is not.
spans as (
    select
        account_id,
        status,
        changed_at as online_from,
        coalesce(
            lead(changed_at) over (partition by account_id order by changed_at, event_id), '9999-12-31'::timestamp
        ) as online_until
    from statuses
),

online as (
    select a.shop_id, s.online_from, least(s.online_until, coalesce(a.disabled_at, s.online_until)) as online_until
    from spans s
    join accounts a on s.account_id = a.account_id
    where s.status = 'online'
),

staffed as (
    select distinct e.entry_id
    from entries e
    join online o on e.shop_id = o.shop_id and e.entered_at >= o.online_from and e.entered_at < o.online_until
),

-- T-88: when the buyer was really shown a prompt last before. Of two entries at one time neither is the earlier one.
prompted as (
    select
        entry_id,
        max(case when prompt_shown is not null then entered_at end) over (
            partition by shop_id, buyer_id
            order by entered_at range between unbounded preceding and interval 1 microsecond preceding -- noqa: PRS
        ) as last_prompted_at
    from entries
),

judged as (
    select
        e.*,
        case
            when not e.is_graded then 'grade'
            when not e.is_switched_on then 'switched_off'
            when a.entry_id is null then 'audience'
        end as not_eligible_reason,
        a.prompt_kind,
        o.entry_id is not null as is_staffed,
        p.last_prompted_at
    from conditions e
    left join audiences a on e.entry_id = a.entry_id
    left join staffed o on e.entry_id = o.entry_id
    left join prompted p on e.entry_id = p.entry_id
),

received as (
    select
        *,
        case
            when not_eligible_reason is not null then 'not_eligible'
            when is_staffed then 'prioritised' -- T-84
            else 'failed_no_agent' -- T-83
        end as outcome
    from judged
),

suppressed as (
    select
        *,
        case
            when outcome <> 'prioritised' then null
            when entry_point = 'message_box' then 'message_box' -- T-87
            when is_recent_agent and not queue_enabled then 'recent_agent' -- T-89
            when entered_at - last_prompted_at < priority_prompt_interval then 'within_8h' -- T-88
        end as prompt_suppressed_by
    from received
),

expected as (
    select
        *,
        case outcome when 'prioritised' then 'human' when 'failed_no_agent' then 'service_assistant' end as expected_routed_kind,
        case when outcome = 'prioritised' and prompt_suppressed_by is null then prompt_kind end as expected_prompt_kind,
        case
            when outcome <> 'prioritised' or prompt_suppressed_by is not null then null
            when queue_enabled then 'skipped_queue' -- T-86
            when bot_first_enabled then 'skipped_bot'
            else 'arranged'
        end as expected_prompt_text_key
    from suppressed
)

select
    entry_id,
    shop_id,
    buyer_id,
    entered_at,
    outcome,
    not_eligible_reason,
    expected_prompt_kind,
    expected_prompt_text_key,
    prompt_suppressed_by,
    routed_kind = expected_routed_kind as routed_as_expected,
    coalesce(prompt_shown = expected_prompt_text_key, prompt_shown is null and expected_prompt_text_key is null)
        as prompt_as_expected,
    outcome = 'prioritised' and coalesce(exclusive_service_priority, false) as is_double_priority -- T-91
from expected
