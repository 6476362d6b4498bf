-- Which invitations to rate were due and not sent as expected?
-- 应发的邀评有多少没有按预期发送？

select
    shop_id,
    expected,
    count(*) as due_invites,
    count(*) filter (where card_id is not null) as sent,
    count(*) filter (where card_id is null) as not_sent
from marts.taobao_rating_invites
group by shop_id, expected
order by shop_id, expected
