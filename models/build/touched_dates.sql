{{ config(materialized='incremental', incremental_strategy='append') }}

with touched as (
    select platform, business_date from {{ ref('int_taobao__touched_dates') }}
    union all
    select platform, business_date from {{ ref('int_taobao__rating_touched_dates') }}
    union all
    select platform, business_date from {{ ref('int_kuaishou__touched_dates') }}
    union all
    select platform, business_date from {{ ref('int_xiaohongshu__touched_dates') }}
)

select distinct platform, business_date from touched
{% if is_incremental() %}
except
select platform, business_date from {{ this }}
{% endif %}
