-- Every shop that occurs anywhere, and the scope whose rules it is under: on Taobao's side its marketplace, else its platform.
{{ config(materialized='view') }}

{% for platform in ['taobao', 'kuaishou', 'xiaohongshu'] -%}
select * from {{ ref('int_' ~ platform ~ '__shops') }}
{{ 'union all' if not loop.last }}
{% endfor %}
