-- What waits, as people are told of it: by the names of shop and account, and whether the shop's window is open at the moment,
-- for at night nobody is to be woken. One row per round or session of open_rounds.
with waiting as (select * from {{ ref('open_rounds') }}),

as_of as (select platform, as_of, as_of::date as today from {{ ref('live_as_of') }}),

shops as (select * from {{ ref('int_shops') }}),

accounts as (select * from {{ ref('int_accounts') }}),

rules as (select * from {{ ref('round_rules') }}),

work_hours as (select * from {{ ref('int_xiaohongshu__work_hours') }}),

windows as (
    select s.platform, s.shop_id, a.as_of >= a.today + r.window_start and a.as_of < a.today + r.window_end as is_open
    from shops s
    join as_of a on s.platform = a.platform
    join rules r on s.scope = r.scope and a.today between r.valid_from and r.valid_to
    where r.window_start is not null
    union all
    select 'xiaohongshu', h.shop_id, a.as_of >= a.today + h.opens_at and a.as_of < a.today + h.closes_at
    from work_hours h
    join as_of a on a.platform = 'xiaohongshu' and a.today between h.valid_from and h.valid_to
)

select
    w.*,
    s.shop_name,
    coalesce(a.display_name, w.account_id) as account,
    coalesce(o.is_open, false) as is_window_open,
    w.platform = 'xiaohongshu' or {{ length_of('w.exclusion_reasons') }} = 0 as counts_so_far -- an open session carries remarks
from waiting w
left join shops s on w.platform = s.platform and w.shop_id = s.shop_id
left join accounts a on w.platform = a.platform and w.shop_id = a.shop_id and w.account_id = a.account_id
left join windows o on w.platform = o.platform and w.shop_id = o.shop_id
