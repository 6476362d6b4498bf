-- How many unsatisfied ratings were won back, and how many still can be?
-- 不满意评价挽回了多少，还有多少可以挽回？

select
    shop_id,
    count(*) as unsatisfied_at_first,
    count(*) filter (where is_recovered) as won_back,
    won_back / unsatisfied_at_first as share_won_back,
    count(*) filter (where is_editable and not is_recovered) as still_to_win,
    min(editable_until) filter (where is_editable and not is_recovered) as first_one_until
from marts.taobao_rating_recoveries
group by shop_id
order by shop_id
