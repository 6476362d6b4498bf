-- What is missing to the next grade of the service team?
-- 客服团队距下一等级还差什么？

select shop_id, month, grade, next_grade, gap_to_next, response_rate, satisfaction_rate, ratings
from marts.taobao_grades
qualify month = max(month) over ()
order by shop_id
