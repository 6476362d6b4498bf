-- V-02: from when on a bad rating is shown at the moment where nothing can be changed. One row per platform.
with as_of as (select * from {{ ref('live_as_of') }}),

rules as (select * from {{ ref('live_rules') }})

select
    a.platform,
    a.as_of - max(r.rating_edit_limit) as shown_from
from as_of a
join rules r on a.platform = r.scope and a.as_of::date between r.valid_from and r.valid_to
group by a.platform, a.as_of
