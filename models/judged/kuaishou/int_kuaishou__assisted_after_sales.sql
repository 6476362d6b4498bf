-- The after-sales requests that agents of Kuaishou raised for users, and what became of each. One row per request. Built whole:
-- one that nobody answers expires as newer deliveries come.
with requests as (select * from {{ source('kuaishou', 'assisted_after_sales') }}),

rules as (select * from {{ ref('kuaishou_rules') }}),

as_of as (select as_of from {{ ref('as_of') }} where platform = 'kuaishou'),

timed as (
    select
        r.*,
        r.initiated_at + u.assisted_response_limit as ends_at,
        a.as_of,
        -- K-20: the order types; K-23: a streamer's agent may not
        r.order_type in ('own', 'cross_border', 'auction') and r.initiator_kind = 'merchant_agent' as is_eligible
    from requests r
    join rules u on r.initiated_at::date between u.valid_from and u.valid_to
    cross join as_of a
),

judged as (
    select
        *,
        case
            -- K-24: the agent took it back before the user did anything
            when withdrawn_at <= ends_at and coalesce(withdrawn_at < responded_at, true) then 'cancelled'
            -- K-21: the user has so long to respond, then the request lapses
            when responded_at <= ends_at and response is not null then response
            when as_of >= ends_at then 'expired'
            else 'pending'
        end as outcome
    from timed
)

select
    request_id,
    shop_id,
    user_id,
    agent_id,
    initiated_at,
    is_eligible,
    outcome,
    case
        -- K-22: a refund alone, for the buyer's reason, confirmed as it was: nobody looks at it again
        when outcome = 'confirmed' and refund_kind = 'refund_only' and reason_party = 'buyer' then 'auto'
        when outcome in ('confirmed', 'modified') then 'manual'
    end as review,
    case
        when outcome in ('confirmed', 'modified') then {{ seconds_between('initiated_at', 'responded_at') }}::double / 60
    end as minutes_to_response
from judged
