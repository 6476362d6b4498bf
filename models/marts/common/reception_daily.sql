-- The workload sheet (接待数据) of all platforms.
{% for platform in ['taobao', 'kuaishou', 'xiaohongshu'] -%}
select * from {{ ref('int_' ~ platform ~ '__reception_days') }}
{{ 'union all' if not loop.last }}
{% endfor %}
