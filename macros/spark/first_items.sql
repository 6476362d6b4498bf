{# No first item (macros/first_items.sql): a view cannot read a variable of the session, and a hook without SQL is not run. #}
{% macro spark__since_first_item(item_at) -%} true {%- endmacro %}
{% macro spark__set_first_touched_item() -%}{%- endmacro %}
{% macro spark__set_first_built_item(before) -%}{%- endmacro %}
