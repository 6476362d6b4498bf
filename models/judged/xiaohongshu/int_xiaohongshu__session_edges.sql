-- How close the sessions of Xiaohongshu came to counting otherwise: what alone keeps one out, and what a second more or less
-- would have changed. One row per session.
{{ config(materialized='view') }}

with sessions as (select * from {{ ref('int_xiaohongshu__judged_sessions') }}),

rules as (select * from {{ ref('xiaohongshu_rules') }}),

work_hours as (select * from {{ ref('int_xiaohongshu__work_hours') }})

select
    s.*,
    s.entered_at >= s.business_date + r.reply_window_start and s.entered_at < s.business_date + r.reply_window_end
        as in_reply_window, -- X-16
    case
        when array_contains(s.exclusion_reasons, 'merchant_initiated')
            then case when s.ended_at is not null or s.is_left_open then 'merchant_initiated' end
        when not s.is_counted then 'not_ended'
    end as left_out_by,
    -- X-05, X-06: what leaves a session that counts without its reply
    case
        when s.is_counted
            then {{ items_where('s.exclusion_reasons', "item in ('not_ended', 'taken_over_unanswered')") }}
        else {{ empty_list() }}
    end as remarks,
    s.stars >= r.satisfied_min_stars as is_satisfied,
    {%- for edge, opens, closes in [
        ('work_hours', 'h.opens_at', 'h.closes_at'), ('reply_window', 'r.reply_window_start', 'r.reply_window_end'),
    ] %}
    least(
        abs({{ seconds_between('s.business_date + ' ~ opens, 's.entered_at') }}),
        abs({{ seconds_between('s.business_date + ' ~ closes, 's.entered_at') }})
    ) <= 1 as is_near_{{ edge }},
    {%- endfor %}
    coalesce(abs(s.first_response_seconds - r.first_response_target_seconds) <= 1, false) as is_near_first_target,
    coalesce(abs(s.longest_wait_seconds - r.reply_target_seconds) <= 1, false) as is_near_reply_target,
    coalesce(abs(s.seconds_past_horizon) <= 1, false) as is_near_horizon
from sessions s
join rules r on s.rule_version = r.rule_version
join work_hours h on s.shop_id = h.shop_id and s.business_date between h.valid_from and h.valid_to
