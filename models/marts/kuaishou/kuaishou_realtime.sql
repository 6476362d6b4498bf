-- K-04: the reply rate as it stood at each whole minute of the last days' windows. Built whole, for the days are the newest ones.
with rounds as (select * from {{ ref('kuaishou_rounds') }} where is_counted),

rules as (select * from {{ ref('kuaishou_rules') }}),

as_of as (select as_of::date as as_of_date from {{ ref('as_of') }} where platform = 'kuaishou'),

-- Each round with the first minute that sees its question and the first one that sees its reply.
seen_rounds as (
    select
        r.shop_id,
        r.business_date,
        r.user_id,
        r.is_on_time,
        r.business_date + u.window_end as last_minute,
        greatest(
            date_trunc('minute', r.clock_started_at - interval 1 microsecond) + interval 1 minute,
            r.business_date + u.window_start + interval 1 minute
        ) as asked_from,
        date_trunc('minute', r.first_reply_at - interval 1 microsecond) + interval 1 minute as answered_from
    from rounds r
    join rules u on r.rule_version = u.rule_version
    join as_of a on r.business_date between a.as_of_date - u.realtime_days and a.as_of_date - 1
),

-- Who has a round that was not answered in time is unanswered from its question on, whatever comes later.
people as (
    select
        shop_id,
        business_date,
        user_id,
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
        user_id,
        unnest(generate_series(asked_from, answered_from - interval 1 minute, interval 1 minute)) as as_of
    from seen_rounds
    where is_on_time
),

pending_people as (
    select distinct m.shop_id, m.business_date, m.user_id, m.as_of
    from pending_minutes m
    join people p on m.shop_id = p.shop_id and m.business_date = p.business_date and m.user_id = p.user_id
    where coalesce(m.as_of < p.missed_from, true)
),

-- By how much the two counts change from one minute to the next.
changes as (
    select shop_id, consulted_from as as_of, 1 as consulted, 0 as unanswered from people
    union all
    select shop_id, missed_from, 0, 1 from people
    union all
    select shop_id, as_of, 0, 1 from pending_people
    union all
    select shop_id, as_of + interval 1 minute, 0, -1 from pending_people
),

changes_of_minutes as (
    select shop_id, as_of, sum(consulted) as consulted, sum(unanswered) as unanswered
    from changes
    group by all
),

minutes as ( -- from when anyone had consulted to the window's end
    select
        shop_id,
        business_date,
        unnest(generate_series(min(consulted_from), max(last_minute), interval 1 minute)) as as_of
    from people
    group by all
),

counted as (
    select
        m.shop_id,
        m.as_of,
        sum(coalesce(c.consulted, 0)) over up_to_then as consulted_users,
        sum(coalesce(c.unanswered, 0)) over up_to_then as unanswered_users
    from minutes m
    left join changes_of_minutes c on m.shop_id = c.shop_id and m.as_of = c.as_of
    window up_to_then as (partition by m.shop_id, m.business_date order by m.as_of)
)

select
    shop_id,
    as_of,
    consulted_users::bigint as consulted_users,
    unanswered_users::bigint as unanswered_users,
    (consulted_users - unanswered_users)::double / consulted_users as value
from counted
