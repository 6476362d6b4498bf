-- K-04: the reply rate as it stood at each whole minute of the last days' windows, from when anyone had consulted to the
-- window's end. One row per shop and minute.
with changes as (select * from {{ ref('int_kuaishou__realtime_changes') }}),

changes_of_minutes as (
    select shop_id, as_of, sum(consulted) as consulted, sum(unanswered) as unanswered
    from changes
    group by shop_id, as_of
),

minutes as (
    select
        shop_id,
        business_date,
        unnest(generate_series(min(as_of) filter (where consulted = 1), max(last_minute), interval 1 minute)) as as_of
    from changes
    group by shop_id, business_date
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
