-- A platform of which messages have landed, and of which there is no round or no figure at all.
{{ config(severity='warn') }}

with landed as (
    select d.platform, sum(d.row_count) as messages
    from {{ source('raw', 'deliveries') }} d
    where d.table_name = 'messages'
    group by d.platform
    having sum(d.row_count) > 0
),

built as (
    select platform, 'rounds' as what from {{ ref('int_judged_rounds') }}
    union
    select platform, 'figures' as what from {{ ref('int_metric_values') }}
),

expected as (
    select platform, messages, unnest(['rounds', 'figures']) as what
    from landed
)

select e.platform, 'no ' || e.what as missing, e.messages
from expected e
left join built b on e.platform = b.platform and e.what = b.what
where b.platform is null
