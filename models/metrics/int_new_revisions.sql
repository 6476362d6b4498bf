-- Figures of past days, weeks and months that are others than last published, or new. One row per figure. It is of a period that
-- ended at least a full day ago, so that every 24-hour deadline has passed.
with kinds as (select * from {{ ref('metric_periods') }} where kind <> 'rolling'),

as_of as (select * from {{ ref('as_of') }}),

request as (select * from {{ source('build', 'request') }}),

dates as ( -- where metrics changed, or what was published is of an earlier build
    select platform, business_date from {{ ref('int_changed_metric_days') }}
    union
    select platform, business_date from {{ source('build', 'published_held_dates') }}
),

ends as ( -- not of the rows that are read below: what is used twice is kept whole, with every column
    select platform, period_end from {{ ref('int_metric_values') }}
    union
    select platform, period_end from {{ source('build', 'published_revisions') }}
),

changed as (
    select e.*
    from ends e
    semi join dates d
        on e.platform = d.platform and d.business_date between e.period_end - {{ longest_period_days() }} and e.period_end
),

latest as (
    select p.*
    from {{ source('build', 'published_revisions') }} p
    semi join changed c on p.platform = c.platform and p.period_end = c.period_end
    qualify row_number() over (
        partition by p.platform, p.metric, p.subject, p.shop_id, p.account_id, p.period, p.period_end order by p.revision desc
    ) = 1
),

standing as (
    select m.*
    from {{ ref('int_metric_values') }} m
    join kinds k on m.platform = k.platform and m.period = k.period
    join as_of a on m.platform = a.platform
    semi join changed c on m.platform = c.platform and m.period_end = c.period_end
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

select {{ all_but(['last_numerator', 'last_denominator'], 'c') }}, r.published_at
from compared c
cross join request r
where
    c.last_numerator is null
    or abs(c.numerator - c.last_numerator) > 1e-9
    or abs(c.denominator - c.last_denominator) > 1e-9
