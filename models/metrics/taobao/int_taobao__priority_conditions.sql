-- What decides whether each entry was to be received with priority (优先接待): the shop's grade and setting, the buyer's audience,
-- who was online, the last prompt. One row per entry.
with entries as (
    select *, entered_at::date as business_date, date_trunc('month', entered_at)::date as month
    from {{ source('taobao', 'routing_entries') }}
),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

grades as (select * from {{ ref('int_taobao__granted_grades') }} where grade in ('gold', 'silver')),

settings as (select * from {{ ref('int_taobao__priority_settings') }} where not is_rejected),

members as (select * from {{ source('taobao', 'audience_members') }}),

online as (select * from {{ ref('int_taobao__online_spans') }} where online_from < online_until),

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
    join rules r on e.shop_id = r.shop_id and e.business_date between r.valid_from and r.valid_to
    left join grades g
        on
            e.shop_id = g.shop_id
            and e.month = g.month
            and e.business_date < coalesce(g.cancelled_on, '9999-12-31')
    left join settings p on e.shop_id = p.shop_id and e.entered_at >= p.saved_at and e.entered_at < p.saved_until
),

-- T-82: who joins is in from the next day on, who leaves is in to the end of the day. T-85: members come before other audiences.
audiences as (
    select e.entry_id, case when bool_or(m.audience_kind = 'member') then 'member' else 'audience' end as prompt_kind
    from conditions e
    join members m
        on
            e.shop_id = m.shop_id -- an audience is a shop's own
            and e.buyer_id = m.buyer_id
            and array_contains(e.audience_ids, m.audience_id)
            and m.joined_at::date < e.business_date
            and coalesce(m.left_at::date >= e.business_date, true)
    group by e.entry_id
),

-- T-83: who comes and goes, in the order of time; an entry changes nothing, and at one instant it is the last.
headcount_changes as (
    select shop_id, online_from as happened_at, 1 as change, null::string as entry_id from online
    union all
    select shop_id, online_until, -1, null from online
    union all
    select shop_id, entered_at, 0, entry_id from entries
),

staffed as (
    select entry_id, sum(change) over (partition by shop_id order by happened_at) > 0 as is_staffed
    from headcount_changes
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
)

select
    e.*,
    a.prompt_kind, -- null: the buyer is in no audience that the setting selects
    o.is_staffed,
    p.last_prompted_at
from conditions e
left join audiences a on e.entry_id = a.entry_id
join staffed o on e.entry_id = o.entry_id
left join prompted p on e.entry_id = p.entry_id
