"""Taobao: an entry (进线) of priority reception, and what the clauses T-80 to T-91 say of it."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import Row, rows, shop_header
from orchestration.explain.text import Entry, Explanation, moment, named

PREFIX = "taobao-entry-"

# With the setting that stood then, and the last entry at which the buyer was shown a prompt.
ENTRY = """
select
    p.*, e.entry_point, e.routed_kind, e.routed_account_id, e.prompt_shown, s.shop_name, g.grade, g.cancelled_on,
    z.setting_id, z.saved_at, z.is_enabled, z.audience_ids, z.queue_enabled, z.bot_first_enabled,
    b.entry_id as earlier_id, b.entered_at as earlier_at, b.prompt_shown as earlier_prompt
from metrics.int_taobao__priority_receptions p
join metrics.int_taobao__priority_conditions c on p.entry_id = c.entry_id
join staging.taobao_routing_entries e on p.entry_id = e.entry_id
left join items.int_shops s on s.platform = 'taobao' and p.shop_id = s.shop_id
left join marts.taobao_grades g on p.shop_id = g.shop_id and date_trunc('month', p.entered_at)::date = g.month
left join items.int_taobao__priority_settings z
    on p.shop_id = z.shop_id and not z.is_rejected and p.entered_at >= z.saved_at and p.entered_at < z.saved_until
left join staging.taobao_routing_entries b
    on p.shop_id = b.shop_id and p.buyer_id = b.buyer_id and c.last_prompted_at = b.entered_at and b.prompt_shown is not null
where p.entry_id = $entry_id
order by b.entry_id
limit 1
"""

INELIGIBLE = {
    "grade": "the shop has no gold or silver grade in force that day (T-80, T-90)",
    "switched_off": "priority reception is not switched on (T-80)",
    "audience": "the buyer is in none of the audiences selected that day (T-80, T-82)",
}
SUPPRESSED = {
    "message_box": "none from the message box 消息盒子 (T-87)",
    "recent_agent": "none at the agent contacted last 最近联系人, without queueing (T-89)",
    "within_8h": "none so soon after the last one (T-88)",
    None: "none, for there is no priority",
}
TEXTS = {
    "skipped_queue": "the queue was skipped 已跳过排队",
    "skipped_bot": "the bot was skipped 已跳过机器人",
    "arranged": "an agent was arranged 已安排客服",
}
KINDS = {"member": "会员专属客服", "audience": "优先接待生效"}


def explanation(connection: duckdb.DuckDBPyConnection, given: str) -> Explanation | None:
    for row in rows(connection, ENTRY, entry_id=given.removeprefix(PREFIX)):
        cancelled = f", cancelled on {row['cancelled_on']} (T-72)" if row["cancelled_on"] else ""
        grade = f"{row['grade'] or 'none'}{cancelled}"
        return Explanation(
            title=f"Entry 进线 {given}",
            header=[*shop_header(row), ("grade 等级", grade), ("settings 设置", settings(row))],
            day=row["entered_at"].date(),
            entries=entries(row),
            verdict=[(outcome(row), routing(row)), prompt(row)],
        )
    return None


def settings(row: Row) -> str:
    if row["setting_id"] is None:
        return "none saved before"
    switches = {"priority": row["is_enabled"], "queueing": row["queue_enabled"], "bot first": row["bot_first_enabled"]}
    told = ", ".join(f"{name} {'on' if is_on else 'off'}" for name, is_on in switches.items())
    return f"{row['setting_id']} of {moment(row['saved_at'])}: {told}; audiences {', '.join(row['audience_ids']) or 'none'}"


def entries(row: Row) -> list[Entry]:
    buyer, earlier = row["buyer_id"], f"entry {row['earlier_id']}, prompt {row['earlier_prompt']}"
    routed = named(f"routed to {row['routed_kind']}", row["routed_account_id"])
    what = f"{routed}, prompt {row['prompt_shown'] or 'none'}"
    told = [Entry(row["entered_at"], buyer, f"enters 进线, {row['entry_point']}", what, "entry", matters=True)]
    if row["prompt_suppressed_by"] == "within_8h":
        told.insert(0, Entry(row["earlier_at"], buyer, "entered before", earlier))
    return told


def outcome(row: Row) -> str:
    match row["outcome"]:
        case "prioritised":
            return "Prioritised 优先接待: straight to a human (T-84)"
        case "failed_no_agent":
            return "Failed 优先接待失败: no agent was online, the service assistant takes it (T-83)"
        case _:
            return f"Not eligible 不符合条件: {INELIGIBLE[row['not_eligible_reason']]}"


def routing(row: Row) -> list[str]:
    routed, expected = row["routed_kind"], "as expected" if row["routed_as_expected"] else "not as expected"
    told = [] if row["routed_as_expected"] is None else [f"It was routed to {routed}, which is {expected}."]
    both = "Exclusive service 专属客服 had priority too: both exclude each other (T-91)."
    return [*told, both] if row["is_double_priority"] else told


def prompt(row: Row) -> tuple[str, list[str]]:
    key, expected = row["expected_prompt_text_key"], "as expected" if row["prompt_as_expected"] else "not as expected"
    told = f": {SUPPRESSED[row['prompt_suppressed_by']]}"
    if key:
        told = f" {KINDS[row['expected_prompt_kind']]} (T-85): {TEXTS[key]} (T-86)"
    return f"Prompt 提示{told}", [f"Shown was {row['prompt_shown'] or 'none'}, which is {expected}."]
