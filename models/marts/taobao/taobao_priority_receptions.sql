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
    routed_as_expected,
    prompt_as_expected,
    is_double_priority
from {{ ref('int_taobao__priority_receptions') }}
