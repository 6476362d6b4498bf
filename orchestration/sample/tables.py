"""The delivered tables and their columns, in the order of the raw contract; the first columns are the key."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One delivered table."""

    name: str
    columns: tuple[str, ...]
    order: str  # the key as SQL: every file is written in this order


def _table(name: str, columns: str, order: str = "") -> Table:
    names = tuple(columns.split())
    return Table(name, names, order or names[0])


# Messages are put in order by number: the same order as their ids, but much quicker.
_MESSAGE_ORDER = "cid, message_no"

_OFFICIAL_METRICS = _table(
    "official_metrics",
    "shop_id account_id metric period period_end numerator denominator value",
    "shop_id, account_id nulls first, metric, period, period_end",
)

TABLES: dict[str, tuple[Table, ...]] = {
    "taobao": (
        _table("shops", "shop_id marketplace shop_name"),
        _table(
            "messages",
            "message_id conversation_id shop_id buyer_id account_id direction author_kind peer_kind message_type content sent_at",
            _MESSAGE_ORDER,
        ),
        _table("message_recalls", "message_id recalled_at"),
        _table(
            "reception_events",
            "event_id conversation_id shop_id buyer_id account_id event_type origin occurred_at",
        ),
        _table("accounts", "account_id shop_id account_type display_name is_second_line disabled_at"),
        _table("account_status_events", "event_id account_id shop_id status changed_at"),
        _table("buyer_blocks", "block_id shop_id buyer_id blocked_at unblocked_at"),
        _table("platform_flags", "flag_id shop_id conversation_id flag_type flagged_from flagged_to"),
        _table("rating_cards", "card_id shop_id buyer_id account_id trigger sent_at"),
        _table("rating_submissions", "submission_id card_id eval_code submitted_at"),
        _table(
            "rejection_prompts",
            "prompt_id shop_id buyer_id account_id trigger triggered_at exposed_at clicked_at",
        ),
        _table("orders", "order_id shop_id buyer_id created_at"),
        _table("conduct_cases", "case_id shop_id case_type occurred_at verified_at"),
        _table(
            "priority_settings",
            "setting_id shop_id saved_at is_enabled audience_ids queue_enabled bot_first_enabled",
        ),
        _table(
            "audience_members",
            "audience_id buyer_id shop_id audience_kind joined_at left_at",
            "audience_id, buyer_id",
        ),
        _table(
            "routing_entries",
            "entry_id shop_id buyer_id conversation_id entered_at entry_point routed_kind routed_account_id"
            " is_recent_agent exclusive_service_priority prompt_shown",
        ),
        _table("official_grades", "shop_id month grade experience_score", "shop_id, month"),
        _OFFICIAL_METRICS,
    ),
    "kuaishou": (
        _table(
            "messages",
            "message_id session_id shop_id user_id agent_id sender_kind message_type content sent_at",
            _MESSAGE_ORDER,
        ),
        _table("session_events", "event_id session_id shop_id user_id agent_id event_type occurred_at"),
        _table(
            "rating_cards",
            "card_id session_id shop_id user_id agent_id service_kind channel sent_at level rated_at",
        ),
        _table("malicious_reports", "report_id shop_id user_id reported_at effective_from resolved_at result"),
        _table(
            "assisted_after_sales",
            "request_id shop_id user_id agent_id initiator_kind order_id order_type refund_kind reason_party"
            " initiated_at withdrawn_at responded_at response",
        ),
        _OFFICIAL_METRICS,
    ),
    "xiaohongshu": (
        _table("sessions", "session_id shop_id user_id initiated_by entered_at ended_at ended_by"),
        _table(
            "messages",
            "message_id session_id shop_id agent_id sender_kind content sent_at",
            _MESSAGE_ORDER,
        ),
        _table("session_events", "event_id session_id shop_id event_type agent_id occurred_at"),
        _table("ratings", "session_id stars rated_at"),
        _table("work_hours", "shop_id valid_from opens_at closes_at", "shop_id, valid_from"),
        _OFFICIAL_METRICS,
    ),
}
