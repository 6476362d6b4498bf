-- How many counted rounds did nobody answer at all?
-- 各店有多少计入的轮次始终无人回复？

select
    platform,
    shop_id,
    count(*) filter (where first_reply_at is null) as unanswered_rounds,
    count(*) as counted_rounds,
    count(*) filter (where first_reply_at is null) / count(*) as share_unanswered
from marts.rounds
where is_counted
group by platform, shop_id
order by share_unanswered desc, platform asc, shop_id asc
