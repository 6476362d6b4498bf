-- K-03, K-11: whether each person, or session, was answered on a date: by the shop, and by each of its accounts in the rounds
-- that it is responsible for. One missed round is enough. One row per metric, shop or account, date and person or session.
{{ config(materialized='view', meta={'stands_by': 'unit_id'}) }}

with scores as (
    select *
    from {{ ref('int_kuaishou__round_scores') }}
    where
        is_counted
        and business_date in (select business_date from {{ ref('build_dates') }} where platform = 'kuaishou')
),

of_accounts as (
    select metric, shop_id, account_id, business_date, unit_id, min(numerator) as numerator from scores group by all
)

select metric, 'account' as subject, shop_id, account_id, business_date, unit_id, numerator
from of_accounts
where account_id is not null
union all
select metric, 'shop', shop_id, null, business_date, unit_id, min(numerator)
from of_accounts
group by all
