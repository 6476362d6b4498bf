-- T-60: the month value of the click rate. T-63: the band it falls into. One row per shop and month.
with months as (
    select *
    from {{ ref('int_metric_values') }}
    where platform = 'taobao' and metric = 'rejection_click_rate' and subject = 'shop' and period = 'month'
),

rules as (select * from {{ ref('int_taobao__shop_rules') }})

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
join rules u on m.shop_id = u.shop_id and m.period_end between u.valid_from and u.valid_to
