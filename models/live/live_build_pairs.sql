-- Every shop and buyer that has anything of streaks. They take the place of build_pairs where the models run for a moment. One
-- row per shop and buyer.
select distinct shop_id, buyer_id, '-infinity'::timestamp as touched_from from {{ ref('int_taobao__streak_events') }}
