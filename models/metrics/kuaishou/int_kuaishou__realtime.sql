-- K-04: the reply rate as it stood at each whole minute of the last days' windows, from when anyone had consulted to the
-- window's end. One row per shop and minute.
with changes as (select * from {{ ref('int_kuaishou__realtime_changes') }}),

changes_of_minutes as (
    select
        shop_id,
        business_date,
        as_of,
        sum(consulted) as consulted,
        sum(unanswered) as unanswered,
        max(last_minute) as last_minute
    from changes
    group by shop_id, business_date, as_of
),

counted as ( -- what stands from a minute with a change to the next one
    select
        shop_id,
        as_of as stands_from,
        least(
            lead(as_of) over of_day, max(last_minute) over (partition by shop_id, business_date) + interval 1 minute
        ) as stands_until,
        sum(consulted) over of_day as consulted_users,
        sum(unanswered) over of_day as unanswered_users
    from changes_of_minutes
    window of_day as (partition by shop_id, business_date order by as_of)
),

minutes as (
    select *, {{ each_minute('stands_from', 'stands_until - interval 1 minute') }} as as_of
    from counted
    where consulted_users > 0
)

select
    shop_id,
    as_of,
    consulted_users::bigint as consulted_users,
    unanswered_users::bigint as unanswered_users,
    (consulted_users - unanswered_users)::double / consulted_users as value
from minutes
