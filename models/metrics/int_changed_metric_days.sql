-- The dates on which metrics are others than in the last published build, and that no build has published yet: a period that
-- holds one of them is worked out anew, all others stand. One row per platform and date.
{{ config(materialized='incremental', incremental_strategy='append') }}

with digests as (select * from {{ ref('int_metric_day_digests') }}),

built_digests as (select * from {{ source('build', 'built_metric_day_digests') }}),

as_of as (select platform, as_of::date as as_of_date from {{ ref('as_of') }}),

built_as_of as (select platform, as_of::date as as_of_date from {{ source('build', 'built_as_of') }}),

changed_rules as (select * from {{ ref('changed_rules') }}),

scopes as (select distinct platform, scope from {{ ref('int_shops') }}),

differing as (
    (select * from digests except select * from built_digests)
    union all
    (select * from built_digests except select * from digests)
),

-- Up to the day before as-of windows roll and periods are complete.
passed as (
    select
        a.platform,
        {{ each_date('least(a.as_of_date, b.as_of_date) - 1', 'greatest(a.as_of_date, b.as_of_date)') }} as business_date
    from as_of a
    join built_as_of b on a.platform = b.platform
    where a.as_of_date <> b.as_of_date
),

-- The rules of its last day decide about a period, and it need not have figures on that day.
days as (
    select
        platform,
        {{ each_date('first_date', 'last_date') }} as business_date
    from (
        select platform, min(business_date) as first_date, max(business_date) + {{ longest_period_days() }} as last_date
        from digests
        group by platform
    )
),

ruled as (
    select d.platform, d.business_date
    from days d
    join scopes s on d.platform = s.platform
    join changed_rules c
        on s.scope = c.scope and d.business_date between c.valid_from - {{ longest_period_days() }} and c.valid_to
),

changed as (
    select platform, business_date from differing
    union
    select platform, business_date from passed
    union
    select platform, business_date from ruled
    union
    select platform, business_date from digests where (select everything from {{ source('build', 'request') }})
)

select platform, business_date from changed
{%- if is_incremental() %}
except
select platform, business_date from {{ this }}
{%- endif %}
