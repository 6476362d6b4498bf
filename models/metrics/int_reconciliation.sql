-- What the platforms themselves published, and what is computed here (对账). One row per published figure.
with official as (
    {%- for platform in var('platforms') %}
    select '{{ platform }}' as platform, * from {{ source(platform, 'official_metrics') }}
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),

computed as (select * from {{ ref('int_metric_values') }}),

metrics as (select * from {{ ref('metrics') }}),

shops as (select platform, shop_id, scope from {{ ref('int_shops') }}),

parameters as (select * from {{ ref('parameter_periods') }}),

compared as (
    select
        o.platform,
        o.metric,
        case when o.account_id is null then 'shop' else 'account' end as subject,
        o.shop_id,
        o.account_id,
        o.period,
        o.period_end,
        o.value as official_value,
        c.value as computed_value,
        c.value - o.value as difference,
        o.numerator as official_numerator,
        c.numerator as computed_numerator,
        o.denominator as official_denominator,
        c.denominator as computed_denominator,
        t.value::double as tolerance
    from official o
    join shops s on o.platform = s.platform and o.shop_id = s.shop_id
    left join computed c
        on
            o.platform = c.platform
            and o.metric = c.metric
            and o.shop_id = c.shop_id
            and o.account_id is not distinct from c.account_id
            and o.period = c.period
            and o.period_end = c.period_end
    left join metrics m on o.platform = m.platform and o.metric = m.metric
    left join parameters t
        on
            s.scope = t.scope
            and t.parameter
            = case m.unit when 'seconds' then 'reconciliation_tolerance_seconds' else 'reconciliation_tolerance' end
            and o.period_end between t.valid_from and t.valid_to
)

select
    {{ all_but(['tolerance']) }},
    case
        when computed_value is null then 'missing_computed'
        -- to the billionth: 0.5 is 0.4995 and the tolerance
        when round(abs(difference), 9) <= tolerance then 'match'
        else 'differs'
    end as status
from compared
