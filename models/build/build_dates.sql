with touched as (select * from {{ ref('touched_dates') }}),

request as (select * from {{ source('build', 'request') }}),

platforms as (select distinct platform from {{ ref('rule_clauses') }}),

asked_for as (
    select unnest(generate_series(first_date, last_date, interval 1 day))::date as business_date
    from request
)

select platform, business_date
from touched
where (select with_touched from request)
union
select p.platform, a.business_date
from platforms p
cross join asked_for a
