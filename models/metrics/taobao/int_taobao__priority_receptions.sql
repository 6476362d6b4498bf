-- Whether each entry was to be received with priority (优先接待), whether it was, and which prompt the buyer was to see. One row per
-- entry.
with conditions as (select * from {{ ref('int_taobao__priority_conditions') }}),

judged as (
    select
        *,
        case
            when not is_graded then 'grade'
            when not is_switched_on then 'switched_off'
            when prompt_kind is null then 'audience'
        end as not_eligible_reason
    from conditions
),

received as (
    select
        *,
        case
            when not_eligible_reason is not null then 'not_eligible'
            when is_staffed then 'prioritised' -- T-84
            else 'failed_no_agent' -- T-83
        end as outcome
    from judged
),

suppressed as (
    select
        *,
        case
            when outcome <> 'prioritised' then null
            when entry_point = 'message_box' then 'message_box' -- T-87
            when is_recent_agent and not queue_enabled then 'recent_agent' -- T-89
            when entered_at - last_prompted_at < priority_prompt_interval then 'within_8h' -- T-88
        end as prompt_suppressed_by
    from received
),

expected as (
    select
        *,
        case outcome when 'prioritised' then 'human' when 'failed_no_agent' then 'service_assistant' end as expected_routed_kind,
        case when outcome = 'prioritised' and prompt_suppressed_by is null then prompt_kind end as expected_prompt_kind,
        case
            when outcome <> 'prioritised' or prompt_suppressed_by is not null then null
            when queue_enabled then 'skipped_queue' -- T-86
            when bot_first_enabled then 'skipped_bot'
            else 'arranged'
        end as expected_prompt_text_key
    from suppressed
)

select
    entry_id,
    shop_id,
    buyer_id,
    entered_at,
    outcome,
    not_eligible_reason,
    expected_prompt_kind,
    expected_prompt_text_key,
    prompt_suppressed_by,
    routed_kind = expected_routed_kind as routed_as_expected,
    coalesce(prompt_shown = expected_prompt_text_key, prompt_shown is null and expected_prompt_text_key is null)
        as prompt_as_expected,
    outcome = 'prioritised' and coalesce(exclusive_service_priority, false) as is_double_priority -- T-91
from expected
