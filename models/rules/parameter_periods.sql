-- Each value of a rule parameter with the days on which it is in force, open ends filled. One row per scope, parameter and
-- period.
{{ config(materialized='view') }}

select
    scope,
    parameter,
    value,
    coalesce(valid_from, '0001-01-01'::date) as valid_from,
    coalesce(valid_to, '9999-12-31'::date) as valid_to
from {{ ref('rule_parameters') }}
