-- Which shops write five times in a row most often?
-- 哪些店铺最常连续发满5条？

select
    shop_id,
    count(*) as streaks,
    count(*) filter (where reached_limit_at is not null) as streaks_of_five,
    streaks_of_five / streaks as share,
    max(counted_messages) as longest
from marts.taobao_message_streaks
group by shop_id
order by share desc, shop_id asc
