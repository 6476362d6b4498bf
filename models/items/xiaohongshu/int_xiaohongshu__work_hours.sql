-- X-03: the working hours of every shop, since ever and for ever. A setting holds until the next one; one that is shorter than
-- the least the platform asks for is widened to that; without a setting that least is what holds. One row per shop and period.
with shops as (select shop_id from {{ ref('int_shops') }} where platform = 'xiaohongshu'),

settings as (select * from {{ source('xiaohongshu', 'work_hours') }}),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

settings_in_force as (
    select
        shop_id,
        valid_from,
        coalesce(lead(valid_from) over (partition by shop_id order by valid_from) - 1, '9999-12-31'::date) as valid_to,
        opens_at,
        closes_at
    from settings
),

before_any_setting as (
    select
        h.shop_id,
        '0001-01-01'::date as valid_from,
        coalesce(min(s.valid_from) - 1, '9999-12-31'::date) as valid_to,
        null::string as opens_at,
        null::string as closes_at
    from shops h
    left join settings s on h.shop_id = s.shop_id
    group by h.shop_id
),

periods as (
    select * from settings_in_force
    union all
    select * from before_any_setting
)

select
    p.shop_id,
    greatest(p.valid_from, r.valid_from) as valid_from,
    least(p.valid_to, r.valid_to) as valid_to,
    p.opens_at as set_opens_at,
    p.closes_at as set_closes_at,
    least(coalesce({{ time_of_day('p.opens_at') }}, r.min_work_start), r.min_work_start) as opens_at,
    greatest(coalesce({{ time_of_day('p.closes_at') }}, r.min_work_end), r.min_work_end) as closes_at,
    coalesce({{ time_of_day('p.opens_at') }} > r.min_work_start or {{ time_of_day('p.closes_at') }} < r.min_work_end, false)
        as is_widened
from periods p
join rules r on p.valid_from <= r.valid_to and p.valid_to >= r.valid_from
where p.valid_from <= p.valid_to
