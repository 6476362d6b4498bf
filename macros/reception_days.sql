{#
    The workload sheet of reception (接待数据) of the dates being built, per shop and per account.

    items: relation of shop_id, account_id, customer_id, conversation_id, business_date (of the message), item_at, kind (Q question,
        R reply, B bot), characters.
    rounds: relation of shop_id, account_id, customer_id, business_date, clock_started_at, round_id, response_seconds: the counted
        rounds that have a reply.
    Sums are decimals, so that they do not depend on the order of rows.
#}
{% macro reception_days(platform, items, rounds) %}
{%- set subjects = {'shop': 'null::varchar', 'account': 'account_id'} -%}
with subject_items as (
    {%- for subject, account_id in subjects.items() %}
    select * replace ({{ account_id }} as account_id) from {{ items }}
    {%- if subject == 'account' %} where account_id is not null{% endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

subject_rounds as (
    {%- for subject, account_id in subjects.items() %}
    select * replace ({{ account_id }} as account_id) from {{ rounds }}
    {%- if subject == 'account' %} where account_id is not null{% endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

buyers as (
    select
        shop_id,
        account_id,
        business_date,
        customer_id,
        count(*) filter (where kind = 'Q') as buyer_messages,
        count(*) filter (where kind = 'R') as agent_messages,
        sum(characters) filter (where kind = 'R') as agent_characters
    from subject_items
    group by all
),

messages as (
    select
        shop_id,
        account_id,
        business_date,
        count(*) filter (where buyer_messages > 0) as consulted_buyers,
        count(*) filter (where agent_messages > 0) as received_buyers,
        count(*) filter (where buyer_messages > 0 and agent_messages = 0) as unreplied_buyers,
        sum(buyer_messages) as buyer_messages,
        sum(agent_messages) as agent_messages,
        sum(agent_characters) as agent_characters
    from buyers
    group by all
),

conversations as (
    select
        shop_id,
        account_id,
        business_date,
        conversation_id,
        {{ seconds_between('min(item_at)', 'max(item_at)') }} as reception_seconds
    from subject_items
    group by all
),

receptions as (
    select shop_id, account_id, business_date, sum(reception_seconds)::double / count(*) as reception_seconds
    from conversations
    group by all
),

first_rounds as (
    select
        shop_id,
        account_id,
        business_date,
        customer_id,
        min_by(response_seconds, (clock_started_at, round_id)) as response_seconds
    from subject_rounds
    group by all
),

first_responses as (
    select shop_id, account_id, business_date, sum(response_seconds)::double / count(*) as first_response_seconds
    from first_rounds
    group by all
),

responses as (
    select shop_id, account_id, business_date, sum(response_seconds)::double / count(*) as avg_response_seconds
    from subject_rounds
    group by all
),

subject_days as ( -- a round handed over just before midnight may have all its messages on the next day
    select shop_id, account_id, business_date from messages
    union
    select shop_id, account_id, business_date from responses
)

select
    '{{ platform }}' as platform,
    d.shop_id,
    d.account_id,
    d.business_date,
    coalesce(m.consulted_buyers, 0)::bigint as consulted_buyers,
    coalesce(m.received_buyers, 0)::bigint as received_buyers,
    coalesce(m.unreplied_buyers, 0)::bigint as unreplied_buyers,
    coalesce(m.buyer_messages, 0)::bigint as buyer_messages,
    coalesce(m.agent_messages, 0)::bigint as agent_messages,
    m.agent_messages::double / nullif(m.buyer_messages, 0) as answer_ask_ratio,
    coalesce(m.agent_characters, 0)::bigint as agent_characters,
    f.first_response_seconds,
    r.avg_response_seconds,
    c.reception_seconds
from subject_days d
{%- for alias, relation in {'m': 'messages', 'f': 'first_responses', 'r': 'responses', 'c': 'receptions'}.items() %}
left join {{ relation }} {{ alias }}
    on
        d.shop_id = {{ alias }}.shop_id
        and d.account_id is not distinct from {{ alias }}.account_id
        and d.business_date = {{ alias }}.business_date
{%- endfor %}
{% endmacro %}
