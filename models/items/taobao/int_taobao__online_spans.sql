-- T-83: from when to when each account that receives was online; a suspended one is not. One row per span.
with accounts as (select * from {{ source('taobao', 'accounts') }} where account_type in ('main', 'sub', 'proxy')),

statuses as (select * from {{ source('taobao', 'account_status_events') }}),

spans as (
    select
        account_id,
        status,
        changed_at as online_from,
        coalesce(
            lead(changed_at) over (partition by account_id order by changed_at, event_id), '9999-12-31'::timestamp
        ) as online_until
    from statuses
)

select
    a.shop_id,
    s.account_id,
    s.online_from,
    least(s.online_until, coalesce(a.disabled_at, s.online_until)) as online_until
from spans s
join accounts a on s.account_id = a.account_id
where s.status = 'online'
