-- The rounds of the dates being built, before anything is excluded. K-02: since humans alone count, a question waits while a bot
-- has the session and its clock runs from the hand-over; before, a bot's message was a reply and nobody waited.
with dates as (select business_date from {{ ref('build_dates') }} where platform = 'kuaishou'),

found as (
    {{ rounds(ref('int_kuaishou__items'), ref('kuaishou_rules'), 'dates') }}
)

select 'kuaishou-' || clock_item as round_id, * exclude (clock_item) from found
