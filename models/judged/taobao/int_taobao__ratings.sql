-- The rated cards, before anything is excluded, with the rules of their day. T-30: a card nobody rated is no rating; T-32: the
-- card is the unit, so that another one, of another agent, is another rating. One row per card.
with cards as (select * from {{ source('taobao', 'rating_cards') }}),

submissions as (select * from {{ ref('int_taobao__rating_submissions') }}),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

rated as (
    select
        card_id,
        shop_id, -- by which the rules are joined: by their days alone each card would meet the rules of every shop
        min(first_rated_at) as first_rated_at,
        min_by(eval_code, change_number) as first_eval_code,
        -- T-31: the last one that is effective stands.
        max_by(eval_code, change_number) filter (where is_effective) as eval_code,
        max_by(submission_id, change_number) filter (where is_effective) as submission_id,
        count(*) as submissions,
        max(change_number) filter (where is_effective) as effective_changes
    from submissions
    group by card_id, shop_id
)

select
    c.card_id,
    c.shop_id,
    c.buyer_id,
    c.account_id, -- T-31: it belongs to the card's account, whoever served the buyer by the time of a change
    c.trigger,
    c.sent_at,
    r.first_rated_at::date as business_date, -- T-36: the first submission is always effective
    r.first_rated_at,
    r.first_eval_code,
    r.eval_code,
    r.submission_id,
    r.submissions,
    r.effective_changes,
    u.satisfied_max_eval_code,
    u.rating_max_edits,
    u.rating_edit_limit
from cards c
join rated r on c.card_id = r.card_id
join rules u on r.shop_id = u.shop_id and r.first_rated_at::date between u.valid_from and u.valid_to
