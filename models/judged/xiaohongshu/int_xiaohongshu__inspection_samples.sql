-- X-14: everyone who draws gets these, because nothing but the sessions' ids decides. One row per session drawn.
{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}
-- depends_on: {{ ref('build_dates') }}

with sessions as (select * from {{ ref('int_xiaohongshu__sessions') }} where initiated_by = 'user' and account_id is not null),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

ranked as (
    select
        *,
        row_number() over (partition by shop_id, account_id, business_date order by md5(session_id), session_id) as sample_rank
    from sessions
)

select
    s.session_id,
    s.shop_id,
    s.account_id,
    s.business_date,
    s.sample_rank::integer as sample_rank
from ranked s
join rules r on s.rule_version = r.rule_version
where s.sample_rank <= r.inspection_samples_per_account
