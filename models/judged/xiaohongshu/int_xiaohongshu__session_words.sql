-- Who wrote in the sessions of the dates being built: the first agent since the user entered, and who had the last word. One row
-- per session in which anybody wrote.
{{ config(materialized='view') }}

with dates as (select business_date from {{ ref('build_dates') }} where platform = 'xiaohongshu'),

sessions as (select * from {{ source('xiaohongshu', 'sessions') }}),

items as (
    select *
    from {{ ref('int_items') }}
    where platform = 'xiaohongshu' and kind <> 'H' and item_date in (select business_date from dates)
)

select
    s.session_id,
    -- in time or not
    min(i.item_at) filter (where i.kind = 'R' and s.entered_at <= i.item_at) as first_written_at,
    min_by(i.account_id, (i.item_at, i.item_id)) filter (where i.kind = 'R' and s.entered_at <= i.item_at) as first_author_id,
    -- X-11: an agent has to have the last one
    case max_by(i.kind, (i.item_at, i.item_rank, i.item_id)) when 'Q' then 'user' when 'R' then 'agent' when 'B' then 'bot' end
        as last_speaker
from items i
join sessions s on i.conversation_id = s.session_id
group by s.session_id
