-- The platform's own figures for the day before the delivery, the 30 days and, on the first of a month, the month that
-- end with it: what a shop of this quality could show, not computed from the chats.
create or replace temp view out_official_metrics as
with subjects as (
    select shop_id, null::varchar as account_id, 1.0 as part, on_time_rate as speed, satisfied_rate as care,
        shop_day_key as sk, chats, day_no
    from shop_days where day_no = getvariable('dt_no') - 1
    union all
    select shop_id, account(shop_id, 1), 0.3, on_time_rate, satisfied_rate, sub(shop_day_key, 'first agent'),
        chats, day_no
    from shop_days where day_no = getvariable('dt_no') - 1
),

periods as (
    select * from (values ('day', 1), ('rolling_30d', 30), ('month', 30)) as periods (period, period_days)
    where period != 'month' or day(date_of(getvariable('dt_no'))) = 1
),

drawn as (
    select
        subjects.*,
        periods.*,
        metric,
        sub(sub(sk, metric), period) as mk
    from subjects, periods, (select unnest(getvariable('metrics')) as metric) as metrics
    where account_id is null or (period = 'day' and metric = getvariable('metrics')[1])
),

valued as (
    select
        *,
        greatest(1, floor(chats * part * period_days * (0.8 + 0.4 * u(mk, 'sample'))))::bigint as cases,
        case
            when metric like 'avg_%' then 25 + 60 * (1 - speed) + 20 * u(mk, 'value')
            when metric in ('satisfaction_rate', 'positive_rating_rate')
                then least(1, care + 0.02 * normal(mk, 'value'))
            when metric = 'rating_participation_rate' then 0.25 + 0.2 * u(mk, 'value')
            when metric = 'rejection_click_rate' then 0.01 + 0.05 * u(mk, 'value')
            when metric = 'assisted_after_sales_confirm_rate' then 0.55 + 0.3 * u(mk, 'value')
            else greatest(0, least(1, speed + 0.01 * normal(mk, 'value')))
        end as drawn_value
    from drawn
)

select
    shop_id,
    account_id,
    metric,
    period,
    date_of(day_no) as period_end,
    -- Some exports carry the value alone.
    case when period != 'rolling_30d' then round(drawn_value * cases)::double end as numerator,
    case when period != 'rolling_30d' then cases::double end as denominator,
    round(case when period = 'rolling_30d' then drawn_value else round(drawn_value * cases) / cases end, 6) as value,
    getvariable('dt_no') as land_no
from valued;
