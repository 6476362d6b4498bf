-- K-04: who had consulted at each whole minute of the last days' windows, and who of them was still unanswered, as changes from
-- one minute to the next. One row per person, minute and kind of change. Built whole, for the days are the newest ones.
{{ config(materialized='view', meta={'stands_by': 'customer_id'}) }}

with rounds as (select * from {{ ref('int_judged_rounds') }} where platform = 'kuaishou' and is_counted),

realtime as (select rule_version, realtime_days from {{ ref('kuaishou_rules') }}),

windows as (select rule_version, window_start, window_end from {{ ref('round_rules') }}),

-- The day that ends at the as-of time, or is running then.
last_days as (
    select (as_of - interval 1 microsecond)::date as last_date from {{ ref('as_of') }} where platform = 'kuaishou'
),

-- Each round with the first minute that sees its question and the first one that sees its reply.
seen_rounds as (
    select
        r.shop_id,
        r.business_date,
        r.customer_id,
        r.is_on_time,
        r.business_date::timestamp + w.window_end as last_minute,
        greatest(
            date_trunc('minute', r.clock_started_at - interval 1 microsecond)::timestamp + interval 1 minute,
            r.business_date::timestamp + w.window_start + interval 1 minute
        ) as asked_from,
        date_trunc('minute', r.first_reply_at - interval 1 microsecond)::timestamp + interval 1 minute as answered_from
    from rounds r
    join realtime u on r.rule_version = u.rule_version
    join windows w on r.rule_version = w.rule_version
    cross join last_days a
    where r.business_date <= a.last_date and r.business_date > a.last_date - u.realtime_days
),

-- Who has a round that was not answered in time is unanswered from its question on, whatever comes later.
people as (
    select
        shop_id,
        business_date,
        customer_id,
        max(last_minute) as last_minute,
        min(asked_from) as consulted_from,
        min(asked_from) filter (where not is_on_time) as missed_from
    from seen_rounds
    group by all
),

-- What was answered in time was still pending at the minutes in between, and counts as a miss at those.
pending_minutes as (
    select
        shop_id,
        business_date,
        customer_id,
        {{ each_minute('asked_from', 'answered_from - interval 1 minute') }} as as_of
    from seen_rounds
    where is_on_time and answered_from > asked_from
),

pending_people as (
    select distinct m.shop_id, m.business_date, p.last_minute, m.customer_id, m.as_of
    from pending_minutes m
    join people p on m.shop_id = p.shop_id and m.business_date = p.business_date and m.customer_id = p.customer_id
    where coalesce(m.as_of < p.missed_from, true)
)

select customer_id, shop_id, business_date, last_minute, consulted_from as as_of, 1 as consulted, 0 as unanswered from people
union all
select customer_id, shop_id, business_date, last_minute, missed_from, 0, 1 from people where missed_from is not null
union all
select customer_id, shop_id, business_date, last_minute, as_of, 0, 1 from pending_people
union all
select customer_id, shop_id, business_date, last_minute, as_of + interval 1 minute, 0, -1 from pending_people
