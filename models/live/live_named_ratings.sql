-- Bad ratings (V-02), as people are told of them: by the names of shop and account. One row per card or session.
with ratings as (
    {{ of_platforms('bad_ratings', [
        'rated_kind', 'card_id', 'shop_id', 'buyer_id', 'account_id', 'rated_at', 'value', 'was_changed', 'editable_until',
        'edits_left', 'second_line_available', 'exclusion_reasons',
    ]) }}
),

as_of as (select * from {{ ref('live_as_of') }}),

shops as (select * from {{ ref('int_shops') }}),

accounts as (select * from {{ ref('int_accounts') }})

select
    t.as_of,
    r.*,
    s.shop_name,
    coalesce(a.display_name, r.account_id) as account
from ratings r
join as_of t on r.platform = t.platform
left join shops s on r.platform = s.platform and r.shop_id = s.shop_id
left join accounts a on r.platform = a.platform and r.shop_id = a.shop_id and r.account_id = a.account_id
