-- Every reception account that occurs anywhere, with what is known of it. One row per platform, shop and account.
with seen as (select * from {{ ref('int_seen_accounts') }} where account_id is not null),

described as (select * from {{ source('taobao', 'accounts') }}) -- no other platform tells of its accounts

select
    s.platform,
    s.shop_id,
    s.account_id,
    d.account_type,
    d.display_name,
    d.is_second_line,
    d.disabled_at
from seen s
left join described d on s.platform = 'taobao' and s.shop_id = d.shop_id and s.account_id = d.account_id
