-- The rules that each shop of Taobao and Tmall is under: a row per shop and rule version of its marketplace.
{{ config(materialized='view') }}

with shops as (select shop_id, scope from {{ ref('int_shops') }} where platform = 'taobao'),

rules as (select * from {{ ref('taobao_rules') }})

select
    s.shop_id,
    r.*
from shops s
join rules r on s.scope = r.scope
