-- The day so far, as people are told of it: by the names of shop and metric. One row per metric and shop of today.
with days as (select * from {{ ref('today') }}),

shops as (select * from {{ ref('int_shops') }}),

metrics as (select * from {{ ref('metrics') }})

select
    d.*,
    s.shop_name,
    m.title_en,
    m.title_zh,
    m.unit,
    m.better
from days d
join metrics m on d.platform = m.platform and d.metric = m.metric
left join shops s on d.platform = s.platform and d.shop_id = s.shop_id
