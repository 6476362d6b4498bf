-- T-60: the month value of the click rate. T-63: the band it falls into.
with months as (
    select *
    from {{ ref('service_metrics') }}
    where platform = 'taobao' and metric = 'rejection_click_rate' and subject = 'shop' and period = 'month'
),

shops as (select * from {{ ref('int_taobao__shops') }}),

rules as (select * from {{ ref('taobao_message_rules') }})

select
    m.shop_id,
    date_trunc('month', m.period_end)::date as month,
    m.denominator::bigint as exposures,
    m.numerator::bigint as clicks,
    m.value as click_rate,
    case
        when m.value < u.rejection_band_healthy then 'healthy'
        when m.value <= u.rejection_band_watch then 'watch'
        when m.value <= m.target then 'risk'
        else 'severe'
    end as band,
    m.is_assessed
from months m
join shops s on m.shop_id = s.shop_id
join rules u on s.scope = u.scope and m.period_end between u.valid_from and u.valid_to
