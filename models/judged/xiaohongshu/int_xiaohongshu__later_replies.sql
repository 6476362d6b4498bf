-- X-09: the rounds of counted sessions after the first that got a valid reply, on the dates being built; whose session it is has
-- them. One row per round.
{{ config(materialized='view') }}

with rounds as (
    select *, row_number() over (partition by conversation_id order by clock_started_at, first_message_id) as round_number
    from {{ ref('int_judged_rounds') }}
    where
        platform = 'xiaohongshu'
        and business_date in (select business_date from {{ ref('build_dates') }} where platform = 'xiaohongshu')
),

sessions as (select * from {{ ref('int_xiaohongshu__judged_sessions') }} where is_counted)

select
    r.platform,
    r.round_id,
    s.session_id,
    r.shop_id,
    s.account_id,
    r.customer_id,
    r.business_date,
    r.first_message_id,
    r.clock_started_at,
    r.response_seconds
from rounds r
join sessions s on r.conversation_id = s.session_id
where r.round_number > 1 and r.is_counted and r.response_seconds is not null
