select
    session_id,
    shop_id,
    account_id,
    business_date,
    sample_rank
from {{ ref('int_xiaohongshu__inspection_samples') }}
