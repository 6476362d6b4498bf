-- Shops and buyers whose streaks of messages what landed, or a changed rule, can alter and that no build has
-- rebuilt yet. One row per shop, buyer and time.
{{ config(materialized='incremental', incremental_strategy='append') }}

select 'taobao' as platform, shop_id, buyer_id, touched_from from {{ ref('int_taobao__touched_pairs') }}
{% if is_incremental() %}
except
select platform, shop_id, buyer_id, touched_from from {{ this }}
{% endif %}
