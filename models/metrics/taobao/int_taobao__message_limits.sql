-- The months in which a shop is held to five messages in a row. One row per shop and month. A month is limited for what the
-- month before was (T-61), or for what its first days were after a month that was limited (T-62). So limited months follow each
-- other without a gap, and the first of them is a full one.
with status as (select * from {{ ref('int_taobao__rejection_status') }}),

days as (select * from {{ ref('int_taobao__prompt_metric_days') }} where subject = 'shop'),

rules as (select * from {{ ref('int_taobao__shop_rules') }}),

as_of as (select as_of from {{ ref('as_of') }} where platform = 'taobao'),

full_months as ( -- T-61
    select
        shop_id,
        (month + interval 1 month)::date as month,
        'full' as limit_kind,
        (month + interval 1 month)::date as starts_on,
        exposures,
        click_rate
    from status
    where is_assessed and band = 'severe'
),

observed as (
    select
        d.shop_id,
        date_trunc('month', d.business_date)::date as month,
        (date_trunc('month', d.business_date) + u.observation_days * interval 1 day)::date as starts_on,
        sum(d.denominator)::bigint as exposures,
        sum(d.numerator)::double / sum(d.denominator)::double as click_rate,
        u.observation_min_exposures,
        u.rejection_click_rate_target
    from days d
    join rules u on d.shop_id = u.shop_id and date_trunc('month', d.business_date)::date between u.valid_from and u.valid_to
    where day(d.business_date) <= u.observation_days
    group by all
),

severely_observed as ( -- T-62; a month limited in full is not observed
    select shop_id, month, 'continued' as limit_kind, starts_on, exposures, click_rate
    from observed o
    where
        exposures >= observation_min_exposures
        and click_rate > rejection_click_rate_target
        and not exists (select 1 from full_months f where o.shop_id = f.shop_id and o.month = f.month)
),

candidates as (
    select * from full_months
    union all
    select * from severely_observed
),

gaps as (
    select
        *,
        coalesce(lag(month) over (partition by shop_id order by month) + interval 1 month < month, false) as follows_gap
    from candidates
),

sequences as (
    select
        *,
        count(case when follows_gap then 1 end) over (partition by shop_id order by month) as sequence_number
    from gaps
),

limited as ( -- what was observed matters only once a month in full has gone before
    select *
    from sequences
    qualify bool_or(limit_kind = 'full') over (partition by shop_id, sequence_number order by month)
)

select
    l.shop_id,
    l.month,
    l.limit_kind,
    l.starts_on,
    last_day(l.month) as ends_on,
    l.exposures,
    l.click_rate
from limited l
cross join as_of a
where l.starts_on <= a.as_of
