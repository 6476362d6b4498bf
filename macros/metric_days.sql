{#
    Daily numerators and denominators of metrics, per shop and per account.

    scored: relation of metric, shop_id, account_id, business_date, numerator, denominator, a row per scored thing (a round, a rating).
    Sums are decimals, so that they do not depend on the order of rows.
#}
{% macro metric_days(scored) %}
{% for subject, account_id in [('shop', 'null::string'), ('account', 'account_id')] %}
select
    metric,
    '{{ subject }}' as subject,
    shop_id,
    {{ account_id }} as account_id,
    business_date,
    sum(numerator::decimal(18, 6)) as numerator,
    sum(denominator::decimal(18, 6)) as denominator
from {{ scored }}
{%- if subject == 'account' %}
where account_id is not null
{%- endif %}
group by all
{{ 'union all' if not loop.last }}
{% endfor %}
{% endmacro %}
