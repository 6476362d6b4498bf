with days as (select * from {{ ref('int_metric_days') }} where denominator > 0),

shops as (select platform, shop_id, scope from {{ ref('int_shops') }}),

as_of as (select platform, as_of::date as as_of_date from {{ ref('as_of') }}),

metrics as (select * from {{ ref('metrics') }}),

parameters as (
    select
        scope,
        parameter,
        value,
        coalesce(valid_from, '0001-01-01'::date) as valid_from,
        coalesce(valid_to, '9999-12-31'::date) as valid_to
    from {{ ref('rule_parameters') }}
),

versions as (select * from {{ ref('rule_versions') }}),

scoped_days as (
    select d.*, s.scope
    from days d
    join shops s on d.platform = s.platform and d.shop_id = s.shop_id
),

day_rows as (
    select * exclude (business_date), 'day' as period, business_date as period_start, business_date as period_end
    from scoped_days
),

-- Rolling rows: every day from the subject's first one to the day before as-of, whether it has data of its own or not.
subjects as (
    select d.platform, d.scope, d.metric, d.subject, d.shop_id, d.account_id, min(d.business_date) as first_date
    from scoped_days d
    group by all
),

calendar as (
    select
        s.*,
        unnest(generate_series(s.first_date, a.as_of_date - 1, interval 1 day))::date as business_date
    from subjects s
    join as_of a on s.platform = a.platform
),

windows as (
    select c.*, p.value::integer as rolling_days
    from calendar c
    join parameters p
        on c.scope = p.scope and p.parameter = 'rolling_days' and c.business_date between p.valid_from and p.valid_to
),

rolled as (
    select
        w.* exclude (first_date),
        sum(d.numerator) over last_days as numerator,
        sum(d.denominator) over last_days as denominator
    from windows w
    left join days d
        on
            w.platform = d.platform
            and w.metric = d.metric
            and w.subject = d.subject
            and w.shop_id = d.shop_id
            and w.account_id is not distinct from d.account_id
            and w.business_date = d.business_date
    window last_days as (
        partition by w.platform, w.metric, w.subject, w.shop_id, w.account_id
        order by w.business_date range between (w.rolling_days - 1) * interval 1 day preceding and current row -- noqa: PRS
    )
),

rolling_rows as (
    select
        * exclude (business_date, rolling_days),
        'rolling_30d' as period,
        business_date - (rolling_days - 1) as period_start,
        business_date as period_end
    from rolled
),

-- Month rows: a day can lie in the period of its own month and in that of the next one, whose period may begin before the 1st.
months as (
    select
        *,
        (unnest([date_trunc('month', business_date), date_trunc('month', business_date) + interval 1 month]))::date as month
    from scoped_days
),

month_ends as (
    select
        m.*,
        last_day(m.month) - coalesce(lag_days.value::integer, 0) as period_end,
        month_days.value::integer as month_days
    from months m
    left join parameters month_days
        on
            m.scope = month_days.scope
            and month_days.parameter = 'month_days'
            and last_day(m.month) between month_days.valid_from and month_days.valid_to
    left join parameters lag_days
        on
            m.scope = lag_days.scope
            and lag_days.parameter = m.metric || '_month_lag_days'
            and last_day(m.month) between lag_days.valid_from and lag_days.valid_to
),

month_periods as (
    select *, coalesce(period_end - (month_days - 1), month) as period_start
    from month_ends
),

month_rows as (
    select
        platform, scope, metric, subject, shop_id, account_id, 'month' as period, period_start, period_end,
        sum(numerator) as numerator, sum(denominator) as denominator
    from month_periods
    where business_date between period_start and period_end
    group by all
),

periods as (
    select * from day_rows
    union all by name
    select * from rolling_rows where denominator > 0
    union all by name
    select * from month_rows
),

valued as (
    select
        p.* exclude (numerator, denominator),
        p.numerator::double as numerator,
        p.denominator::double as denominator,
        p.numerator::double / p.denominator::double as value,
        target.value::double as target,
        p.denominator >= coalesce(minimum.value::double, 0) as is_assessed,
        m.is_lower_better,
        v.rule_version
    from periods p
    join metrics m on p.platform = m.platform and p.metric = m.metric
    join versions v on p.scope = v.scope and p.period_end between v.valid_from and v.valid_to
    left join parameters target
        on
            p.scope = target.scope
            and target.parameter = p.metric || '_target'
            and p.period_end between target.valid_from and target.valid_to
    left join parameters minimum
        on
            p.scope = minimum.scope
            and minimum.parameter = p.metric || '_min_denominator'
            and p.period_end between minimum.valid_from and minimum.valid_to
)

select
    platform,
    metric,
    subject,
    shop_id,
    account_id,
    period,
    period_start,
    period_end,
    numerator,
    denominator,
    value,
    target,
    is_assessed,
    case when is_assessed then case when is_lower_better then value <= target else value >= target end end as is_met,
    rule_version
from valued
