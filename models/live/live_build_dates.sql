-- The business dates on which something can still be open at the moment, beside the moment's own. They take the place of
-- build_dates where the models run for a moment. One row per platform and date.
with as_of as (select * from {{ ref('live_as_of') }}),

limits as (select max(reply_horizon) as reply_horizon from {{ ref('live_rules') }}),

older as (
    {{ of_platforms('older_dates', ['business_date']) }}
),

-- A round is open no longer than the horizon, and is of the date on which its clock starts.
within_horizon as (
    select
        a.platform,
        {{ each_date('(a.as_of - l.reply_horizon)::date', 'a.as_of::date') }} as business_date
    from as_of a
    cross join limits l
)

select * from within_horizon
union
select * from older
