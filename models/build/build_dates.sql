-- The business dates this build rewrites, all of them and no others. One row per platform and date.
with touched as (select * from {{ ref('touched_dates') }}),

request as (select * from {{ source('build', 'request') }}),

held as (select * from {{ source('build', 'held_dates') }}),

asked_for as (
    {%- for platform in var('platforms') %}
    select
        '{{ platform }}' as platform,
        with_touched,
        {{ each_date('first_date', 'last_date') }} as business_date
    from request
    {{- ' union all' if not loop.last }}
    {%- endfor %}
)

select platform, business_date
from touched
where (select with_touched from request)
union
select a.platform, a.business_date
from asked_for a
left join held h on a.platform = h.platform and a.business_date = h.business_date
where h.platform is null or not a.with_touched -- a range besides the touched dates is a schedule's, not a person's wish
