-- Every submission on a rating card in its order: the first is the rating, each later one a change. One row per submission.
-- Built whole, for ratings are few, and a change can come on another day.
with cards as (select * from {{ source('taobao', 'rating_cards') }}),

submissions as (select * from {{ source('taobao', 'rating_submissions') }}),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

numbered as (
    select
        c.card_id,
        c.shop_id,
        c.buyer_id,
        c.account_id,
        s.submission_id,
        s.submitted_at,
        s.eval_code,
        (row_number() over on_card - 1)::integer as change_number,
        first_value(s.submitted_at) over on_card as first_rated_at
    from submissions s
    join cards c on s.card_id = c.card_id
    window on_card as (partition by s.card_id order by s.submitted_at, s.submission_id)
),

judged as ( -- T-33: so many changes within so many hours; whoever changes it later, or once more, changes nothing
    select
        n.*,
        n.change_number <= u.rating_max_edits and n.submitted_at <= n.first_rated_at + u.rating_edit_limit as is_effective
    from numbered n
    join rules u on n.shop_id = u.shop_id and n.first_rated_at::date between u.valid_from and u.valid_to
)

select
    *,
    {{ latest_before('case when is_effective then eval_code end', 'on_card') }} as previous_eval_code
from judged
window on_card as (partition by card_id order by change_number)
