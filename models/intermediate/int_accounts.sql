-- Every reception account that occurs anywhere.
{{ config(materialized='view') }}

{% for platform in ['taobao', 'kuaishou', 'xiaohongshu'] -%}
select * from {{ ref('int_' ~ platform ~ '__accounts') }}
{{ 'union all' if not loop.last }}
{% endfor %}
