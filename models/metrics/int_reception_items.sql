-- What was said on the dates being built, and whose it is on the workload sheet (W-02). One row per question (Q), reply (R) or
-- bot's message (B).
{{ config(materialized='view') }}

with dates as (select * from {{ ref('build_dates') }}),

rules as (select * from {{ ref('round_rules') }}),

lookback as (select n.days::integer as days_before from range({{ holder_lookback_days() }} + 1) n (days)),

read_dates as ( -- who holds a conversation may have taken it days before
    select d.platform, (d.business_date - b.days_before)::date as item_on, bool_or(b.days_before = 0) as is_built
    from dates d
    cross join lookback b
    group by all
),

items as (
    select i.*, d.item_on as business_date, d.is_built, r.round_scope
    from {{ ref('int_items') }} i
    join read_dates d on i.platform = d.platform and i.item_at::date = d.item_on
    join rules r on i.scope = r.scope and d.item_on between r.valid_from and r.valid_to
    where
        {{ since_first_item('i.item_at') }}
        and (i.kind in ('Q', 'R', 'B') and d.is_built or i.kind = 'H')
        and {{ worked_out_once() }}
),

marked as (
    select
        *,
        {{ latest_before("case when kind = 'H' then " ~ struct_of({'at': 'item_at', 'account_id': 'account_id'}) ~ " end",
            "in_conversation") }} as holder,
        {{ next_after("case when kind = 'R' then account_id end", "in_conversation_that_day") }} as next_writer_id
    from items
    where round_scope = 'conversation'
    window
        in_conversation as (partition by platform, conversation_id order by item_at, item_rank, item_id),
        in_conversation_that_day as (partition by platform, conversation_id, business_date order by item_at, item_rank, item_id)
),

told as (
    -- Where a round is of the conversation, a question is of who holds it, whatever it names.
    select
        {{ all_but(['account_id', 'holder', 'next_writer_id']) }},
        case
            when kind <> 'Q' then account_id
            when holder.at >= item_at - interval {{ holder_lookback_days() }} days then holder.account_id
            else next_writer_id
        end as account_id
    from marked
    union all
    -- Where it is of an account, it is of the one it was written to.
    select {{ all_but(['account_id']) }}, account_id from items where round_scope = 'account'
)

select platform, shop_id, account_id, business_date, customer_id, conversation_id, kind, item_at, characters
from told
where kind <> 'H' and is_built
