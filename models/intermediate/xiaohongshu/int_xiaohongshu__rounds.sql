-- X-09: the rounds of the sessions of the dates being built, for the intervals between replies. All of a session belongs to the
-- date it was entered on, so nothing is cut at midnight.
with dates as (select business_date from {{ ref('build_dates') }} where platform = 'xiaohongshu'),

found as (
    {{ rounds(ref('int_xiaohongshu__items'), ref('xiaohongshu_rules'), 'dates', item_date='i.session_date') }}
)

select conversation_id as session_id, * exclude (conversation_id) from found
