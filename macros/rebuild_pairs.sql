{#
    Incremental strategy `rebuild_pairs`: what a shop and a buyer have in the target that ends at or after the time from which this
    build rewrites them (build_pairs), or has no end yet, is deleted and written anew, also where nothing is left of it.
    The model has columns shop_id, buyer_id, ended_at and gives only such rows.
#}
{% macro get_incremental_rebuild_pairs_sql(arg_dict) %}
    delete from {{ arg_dict.target_relation }} as t
    where exists (
        select 1 from {{ ref('build_pairs') }} b
        where t.shop_id = b.shop_id and t.buyer_id = b.buyer_id and coalesce(t.ended_at >= b.touched_from, true)
    );
    {{ get_insert_into_sql(arg_dict.target_relation, arg_dict.temp_relation, arg_dict.dest_columns) }}
{% endmacro %}
