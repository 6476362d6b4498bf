-- levels
select business_date as date, sum(very_satisfied) as very_satisfied, sum(satisfied) as satisfied, sum(neutral) as neutral,
    sum(dissatisfied) as dissatisfied, sum(very_dissatisfied) as very_dissatisfied
from marts.rating_daily where account_id is null and origin = 'all' group by all;
-- by_shop
select platform(platform) as platform, shop(platform, shop_id) as shop, sum(cards_sent) as cards, sum(ratings) as ratings,
    sum(cards_sent) / sum(if(platform = 'xiaohongshu', null, received_buyers)) as send_rate,
    if(platform = 'xiaohongshu', null, sum(ratings) / sum(cards_sent)) as return_rate, sum(very_satisfied) as very_satisfied, sum(satisfied) as satisfied,
    sum(neutral) as neutral, sum(dissatisfied) as dissatisfied, sum(very_dissatisfied) as very_dissatisfied
from marts.rating_daily where account_id is null and origin = 'all' group by platform, shop_id;
-- invitations
select shop('taobao', shop_id) as shop, zh(expected) as expected_invitation, count(*) as invitations, count(card_id) as sent,
    count(*) - count(card_id) as not_sent
from marts.taobao_rating_invites group by shop_id, expected;
-- changes
select shop('taobao', shop_id) as shop, from_value as rated_before, to_value as rated_after, count(*) as changes, sum(is_effective::int) as effective_changes
from marts.rating_changes group by shop_id, from_value, to_value;
-- won_back
select shop('taobao', shop_id) as shop, count(*) as bad_ratings, sum(is_recovered::int) as won_back, avg(is_recovered::int) as share_won_back,
    sum((is_editable and not is_recovered)::int) as can_be_won_back
from marts.taobao_rating_recoveries group by shop_id;
-- to_win_back
select shop('taobao', shop_id) as shop, who('taobao', shop_id, account_id) as account, first_rated_at as rated_at, first_eval_code as rated_first,
    current_eval_code as rated_now, edits_left, editable_until, second_line_available, buyer_id, card_id
from marts.taobao_rating_recoveries where is_editable and not is_recovered;
