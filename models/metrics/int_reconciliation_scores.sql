-- What the rounds, sessions and ratings of the published figures' days add to their metrics, with whether late data bear on
-- them. One row per platform, metric and round, session or rating.
with periods as (select * from {{ ref('int_reconciled_periods') }}),

late_rows as (select * from {{ source('raw', 'late_rows') }}),

days as (
    select distinct
        platform, metric, shop_id, {{ each_date('period_start', 'period_end') }} as business_date
    from periods
),

scores as (
    {{ of_platforms('scores', [
        'metric', 'judged_id', 'unit_id', 'shop_id', 'account_id', 'business_date', 'numerator', 'denominator', 'is_counted',
        'left_out_by', 'remarks', 'is_boundary', 'is_counted_other_way', 'numerator_other_way', 'rests_on',
    ]) }}
),

of_days as (
    select s.*
    from scores s
    join days d on s.platform = d.platform and s.metric = d.metric and s.shop_id = d.shop_id and s.business_date = d.business_date
),

late as (
    select distinct r.platform, r.judged_id
    from (select platform, judged_id, {{ each_of('rests_on') }} as row_name from of_days) r
    join late_rows l on r.platform = l.platform and r.row_name = l.row_name
)

select
    {{ all_but(['rests_on'], 'o') }},
    l.judged_id is not null as is_late
from of_days o
left join late l on o.platform = l.platform and o.judged_id = l.judged_id
