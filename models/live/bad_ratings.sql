-- V-02: the bad ratings (差评) that can still be put right at the moment, counted or not; where nothing can be changed, for as long
-- as a rating could be changed elsewhere.
with ratings as (select * from {{ ref('live_named_ratings') }})

select
    as_of,
    platform,
    card_id,
    shop_id,
    buyer_id,
    account_id,
    rated_at,
    value,
    was_changed,
    editable_until,
    edits_left,
    second_line_available,
    exclusion_reasons
from ratings
