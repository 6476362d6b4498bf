-- How the figures of past days, weeks and months changed after they were first published. One row per figure and revision. What
-- was published stays; a figure of a period that ended at least a full day ago, so that every 24-hour deadline has passed, and
-- that is new or another one than last published, is added.
with metrics as (
    select v.*
    from {{ ref('int_metric_values') }} v
    join {{ ref('metric_periods') }} k on v.platform = k.platform and v.period = k.period
    where k.kind <> 'rolling'
),

published as (select * from {{ source('build', 'published_revisions') }}),

as_of as (select * from {{ ref('as_of') }}),

request as (select * from {{ source('build', 'request') }}),

latest as (
    select *
    from published
    qualify row_number() over (
        partition by platform, metric, subject, shop_id, account_id, period, period_end order by revision desc
    ) = 1
),

standing as (
    select m.*
    from metrics m
    join as_of a on m.platform = a.platform
    where m.period_end + 1 < a.as_of::date
),

compared as ( -- a figure that is no longer there counts as 0 of 0
    select
        {% for column in ['platform', 'metric', 'subject', 'shop_id', 'account_id', 'period', 'period_end'] -%}
        coalesce(s.{{ column }}, l.{{ column }}) as {{ column }},
        {% endfor -%}
        coalesce(l.revision, 0) + 1 as revision,
        s.value,
        coalesce(s.numerator, 0) as numerator,
        coalesce(s.denominator, 0) as denominator,
        l.numerator as last_numerator,
        l.denominator as last_denominator
    from standing s
    full join latest l
        on
            s.platform = l.platform
            and s.metric = l.metric
            and s.subject = l.subject
            and s.shop_id = l.shop_id
            and s.account_id is not distinct from l.account_id
            and s.period = l.period
            and s.period_end = l.period_end
)

select
    platform, metric, subject, shop_id, account_id, period, period_end, revision, value, numerator, denominator, published_at
from published
union all
select
    c.platform, c.metric, c.subject, c.shop_id, c.account_id, c.period, c.period_end,
    c.revision, c.value, c.numerator, c.denominator, r.published_at
from compared c
cross join request r
where
    c.last_numerator is null
    or abs(c.numerator - c.last_numerator) > 1e-9
    or abs(c.denominator - c.last_denominator) > 1e-9
