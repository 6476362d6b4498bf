-- How fast buyers were answered on the dates being built, for the workload sheet: over the counted rounds that have a reply. One
-- row per platform, shop or account, and business date of the rounds. Sums are decimals, so that they do not depend on the order
-- of rows.
{{ config(materialized='view') }}

with dates as (select * from {{ ref('build_dates') }}),

rounds as (
    select platform, shop_id, account_id, business_date, customer_id, clock_started_at, first_message_id, response_seconds
    from {{ ref('int_all_rounds') }}
    where is_counted and response_seconds is not null
    union all
    select platform, shop_id, account_id, business_date, customer_id, clock_started_at, first_message_id, response_seconds
    from {{ ref('int_xiaohongshu__later_replies') }} -- a session itself has the first one
),

built_rounds as (
    select r.* from rounds r join dates d on r.platform = d.platform and r.business_date = d.business_date
),

subject_rounds as (
    select {{ all_but(['account_id']) }}, null as account_id from built_rounds
    union all
    select {{ all_but(['account_id']) }}, account_id from built_rounds where account_id is not null
),

buyers as (
    select
        platform,
        shop_id,
        account_id,
        business_date,
        customer_id,
        min_by(response_seconds, (clock_started_at, first_message_id)) as first_response_seconds,
        sum(response_seconds) as response_seconds,
        count(*) as rounds
    from subject_rounds
    group by platform, shop_id, account_id, business_date, customer_id
)

select
    b.platform,
    b.shop_id,
    b.account_id,
    b.business_date,
    sum(b.first_response_seconds)::double / count(*) as first_response_seconds,
    sum(b.response_seconds)::double / sum(b.rounds) as avg_response_seconds,
    -- W-08: on average; nothing is divided, so that a mean on the edge is not above it
    count(*) filter (where b.response_seconds > r.slow_response_seconds * b.rounds) as slow_buyers
from buyers b
join {{ ref('int_shops') }} s on b.platform = s.platform and b.shop_id = s.shop_id
join {{ ref('reception_rules') }} r on s.scope = r.scope and b.business_date between r.valid_from and r.valid_to
group by b.platform, b.shop_id, b.account_id, b.business_date
