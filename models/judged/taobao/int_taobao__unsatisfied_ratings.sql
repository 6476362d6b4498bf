-- The ratings that are not satisfied, or were not at first: until when each can be changed, how often yet, and whether somebody
-- of the second line was there. One row per card.
with ratings as (
    select *, first_rated_at + rating_edit_limit as editable_until, rating_max_edits - effective_changes as edits_left
    from {{ ref('int_taobao__ratings') }}
    -- T-38: neutral is not satisfied either
    where first_eval_code > satisfied_max_eval_code or eval_code > satisfied_max_eval_code
),

second_lines as (select * from {{ source('taobao', 'accounts') }} where is_second_line),

statuses as ( -- each until the next one
    select
        account_id,
        status,
        changed_at,
        coalesce(
            lead(changed_at) over (partition by account_id order by changed_at, event_id), '9999-12-31'::timestamp
        ) as changed_again_at
    from {{ source('taobao', 'account_status_events') }}
    where account_id in (select account_id from second_lines)
),

-- T-39: each second-line account of the shop as it was when the buyer first rated. One without any status has never logged in.
second_line as (
    select
        r.card_id,
        bool_or(coalesce(l.disabled_at > r.first_rated_at, true) and coalesce(s.status = 'online', false)) as is_available
    from ratings r
    join second_lines l on r.shop_id = l.shop_id
    left join statuses s
        on l.account_id = s.account_id and r.first_rated_at >= s.changed_at and r.first_rated_at < s.changed_again_at
    group by r.card_id
)

select
    r.card_id,
    r.shop_id,
    r.buyer_id,
    r.account_id,
    r.first_rated_at,
    r.first_eval_code,
    r.eval_code,
    r.first_eval_code <= r.satisfied_max_eval_code as was_satisfied_at_first,
    r.eval_code <= r.satisfied_max_eval_code as is_satisfied,
    r.effective_changes,
    r.edits_left,
    r.editable_until,
    l.is_available as second_line_available
from ratings r
left join second_line l on r.card_id = l.card_id
