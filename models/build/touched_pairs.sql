{{ config(materialized='incremental', incremental_strategy='append') }}

select shop_id, buyer_id, touched_from from {{ ref('int_taobao__touched_pairs') }}
{% if is_incremental() %}
except
select shop_id, buyer_id, touched_from from {{ this }}
{% endif %}
