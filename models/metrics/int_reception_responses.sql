-- How fast buyers were answered on the dates being built, for the workload sheet: over the counted rounds that have a reply. One
-- row per platform, shop or account, and business date of the rounds. Sums are decimals, so that they do not depend on the order
-- of rows.
{{ config(materialized='view') }}

with rounds as (
    select r.*
    from {{ ref('int_judged_rounds') }} r
    join {{ ref('build_dates') }} d on r.platform = d.platform and r.business_date = d.business_date
    where r.is_counted and r.response_seconds is not null
),

subject_rounds as (
    select platform, shop_id, null as account_id, business_date, customer_id, clock_started_at, round_id, response_seconds
    from rounds
    union all
    select platform, shop_id, account_id, business_date, customer_id, clock_started_at, round_id, response_seconds
    from rounds
    where account_id is not null
),

first_rounds as (
    select
        platform,
        shop_id,
        account_id,
        business_date,
        customer_id,
        min_by(response_seconds, (clock_started_at, round_id)) as first_response_seconds,
        sum(response_seconds) as response_seconds,
        count(*) as rounds
    from subject_rounds
    group by platform, shop_id, account_id, business_date, customer_id
)

select
    platform,
    shop_id,
    account_id,
    business_date,
    sum(first_response_seconds)::double / count(*) as first_response_seconds,
    sum(response_seconds)::double / sum(rounds) as avg_response_seconds
from first_rounds
group by platform, shop_id, account_id, business_date
