-- V-03: the day so far (今日实时数据): each shop's metrics of the moment's date, as a build at the moment would give them.
with as_of as (select * from {{ ref('live_as_of') }}),

days as (select * from {{ ref('int_metric_days') }} where subject = 'shop'),

rules as (select * from {{ ref('metric_rules') }})

select
    a.as_of,
    d.platform,
    d.metric,
    d.shop_id,
    d.business_date,
    d.numerator::double as numerator,
    d.denominator::double as denominator,
    d.numerator::double / d.denominator::double as value,
    r.target
from days d
join as_of a on d.platform = a.platform and d.business_date = a.as_of::date
join rules r on d.scope = r.scope and d.metric = r.metric and d.business_date between r.valid_from and r.valid_to
