-- What was said on the dates being built. One row per platform, account, date of the message, customer and conversation, and the
-- same once more for the shop as a whole (account_id null).
{{ config(materialized='view') }}

with items as (
    select i.*, d.business_date
    from {{ ref('int_items') }} i
    join {{ ref('build_dates') }} d on i.platform = d.platform and i.item_at::date = d.business_date
    where i.kind in ('Q', 'R', 'B')
),

of_accounts as (
    select
        platform,
        shop_id,
        account_id,
        business_date,
        customer_id,
        conversation_id,
        count(*) filter (where kind = 'Q') as buyer_messages,
        count(*) filter (where kind = 'R') as agent_messages,
        sum(characters) filter (where kind = 'R') as agent_characters,
        min(item_at) as first_item_at,
        max(item_at) as last_item_at
    from items
    group by platform, shop_id, account_id, business_date, customer_id, conversation_id
)

select * from of_accounts where account_id is not null
union all
select * replace (null as account_id) from of_accounts -- of the shop as a whole
