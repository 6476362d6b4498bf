-- What each type of message counts for at Taobao and Tmall, open ends filled. One row per type, direction and period.
{{ config(materialized='view') }}

select
    message_type,
    direction,
    coalesce(opens_round, false) as opens_round,
    coalesce(answers, false) as answers,
    coalesce(counts_towards_limit, false) as counts_towards_limit,
    coalesce(valid_from, '0001-01-01'::date) as valid_from,
    coalesce(valid_to, '9999-12-31'::date) as valid_to
from {{ ref('taobao_message_types') }}
