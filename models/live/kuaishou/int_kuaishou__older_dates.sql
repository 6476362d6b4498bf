-- The dates of cards that were rated of late: a rating is of the date on which its card was sent. One row per date.
{{ config(materialized='view') }}

with cards as (select * from {{ source('kuaishou', 'rating_cards') }}),

shown as (select shown_from from {{ ref('live_shown_ratings') }} where platform = 'kuaishou')

select distinct sent_at::date as business_date
from cards
where rated_at > (select shown_from from shown)
