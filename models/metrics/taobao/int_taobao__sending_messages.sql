-- What of the messages of the dates being built counts towards the five in a row. One row per shop or account (null: the shop),
-- and date.
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_dates',
    pre_hook='{{ set_first_built_item() }}'
) }}

with messages as (
    select *, event_at::date as business_date
    from {{ ref('int_taobao__streak_events') }}
    where
        kind = 'counted'
        and {{ since_first_item('event_at') }}
        and event_at::date in (select business_date from {{ ref('build_dates') }} where platform = 'taobao')
)

select shop_id, null as account_id, business_date, count(*) as messages, count(distinct buyer_id) as buyers
from messages
group by all
union all
select shop_id, account_id, business_date, count(*), count(distinct buyer_id)
from messages
where account_id is not null
group by all
