-- The rounds of the dates being built, before anything is excluded. Scope is the account: T-01, T-27; the clock of a message
-- that waited in the pool or with a bot runs from its assignment: T-08, T-09.
with dates as (select business_date from {{ ref('build_dates') }} where platform = 'taobao'),

found as (
    {{ rounds(ref('int_taobao__items'), ref('taobao_rules'), 'dates') }}
)

select 'taobao-' || clock_item as round_id, * exclude (clock_item) from found
