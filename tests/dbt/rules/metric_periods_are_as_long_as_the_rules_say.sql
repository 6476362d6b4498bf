-- A period of the seed metric_periods that is not as long as the parameter of that name says: rolling_30d and rolling_days, the
-- month and month_days.
-- To do: mend the one that is wrong, seeds/metric_periods.csv or seeds/rule_parameters.csv.
with periods as (select * from {{ ref('metric_periods') }}),

parameters as (select * from {{ ref('rule_parameters') }})

select p.platform, p.period, p.days, r.parameter, r.value
from periods p
join parameters r
    on
        case r.scope when 'tmall' then 'taobao' else r.scope end = p.platform
        and r.parameter = case p.period when 'rolling_30d' then 'rolling_days' when 'month' then 'month_days' end
where p.days::string is distinct from r.value
