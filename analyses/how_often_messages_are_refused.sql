-- How often do buyers refuse further messages, and in which band is the shop?
-- 拒收点击率多少，处于哪个区间？

select shop_id, month, exposures, clicks, click_rate, band, is_assessed
from marts.taobao_rejection_status
order by month, shop_id
