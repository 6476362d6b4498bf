{#
    The columns in which a platform's int_<platform>__touched says what a change touches; touched_dates makes dates of them.

    cause: 'item' (an item of conversation_id at touched_from was another), 'conversation', 'customer' (of shop_id), 'account', 'shop'
        (rounds of these that start from touched_from to touched_to are touched; without an end from then on, a shop's without a
        beginning since ever), or a word of the platform's own for rows that name a business_date.
    Each argument is an SQL expression.
#}
{% macro touched(cause, business_date='null', conversation_id='null', shop_id='null', customer_id='null', account_id='null',
                 touched_from='null', touched_to='null') %}
    {{ cause }} as cause,
    {{ business_date }}::date as business_date,
    {{ conversation_id }}::string as conversation_id,
    {{ shop_id }}::string as shop_id,
    {{ customer_id }}::string as customer_id,
    {{ account_id }}::string as account_id,
    {{ touched_from }}::timestamp as touched_from,
    {{ touched_to }}::timestamp as touched_to
{%- endmacro %}
