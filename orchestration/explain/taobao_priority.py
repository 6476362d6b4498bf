"""Taobao: an entry (进线) of priority reception, and what the clauses T-80 to T-91 say of it."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import Row, rows
from orchestration.explain.text import Entry, Explanation, moment, named

PREFIX = "taobao-entry-"

ENTRY = """
select
    p.*, e.entry_point, e.routed_kind, e.routed_account_id, e.is_recent_agent, e.prompt_shown, s.shop_name,
    g.grade, g.cancelled_on,
    z.setting_id, z.saved_at, z.is_enabled, z.audience_ids, z.queue_enabled, z.bot_first_enabled
from marts.taobao_priority_receptions p
join staging.taobao_routing_entries e on p.entry_id = e.entry_id
left join marts.shops s on s.platform = 'taobao' and p.shop_id = s.shop_id
left join marts.taobao_grades g on p.shop_id = g.shop_id and date_trunc('month', p.entered_at)::date = g.month
left join items.int_taobao__priority_settings z
    on p.shop_id = z.shop_id and not z.is_rejected and p.entered_at >= z.saved_at and p.entered_at < z.saved_until
where p.entry_id = $entry_id
"""

PROMPTED = """
select entry_id, entered_at, prompt_shown from staging.taobao_routing_entries
where shop_id = $shop_id and buyer_id = $buyer_id and entered_at < $entered_at and prompt_shown is not null
order by entered_at desc, entry_id
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
}
TEXTS = {
    "skipped_queue": "the queue was skipped 已跳过排队",
    "skipped_bot": "the bot was skipped 已跳过机器人",
    "arranged": "an agent was arranged 已安排客服",
}
KINDS = {"member": "会员专属客服", "audience": "优先接待生效"}


def explanation(connection: duckdb.DuckDBPyConnection, identifier: str) -> Explanation | None:
    found = rows(connection, ENTRY, entry_id=identifier.removeprefix(PREFIX))
    if not found:
        return None
    row = found[0]
    return Explanation(
        title=f"Entry 进线 {PREFIX}{row['entry_id']}",
        header=header(row),
        day=row["entered_at"].date(),
        entries=entries(row, rows(connection, PROMPTED, **{key: row[key] for key in ("shop_id", "buyer_id", "entered_at")})),
        verdict=[(outcome(row), [*routing(row), *double(row)]), *prompt(row)],
    )


def header(row: Row) -> list[tuple[str, str]]:
    cancelled = f", cancelled on {row['cancelled_on']} (T-72)" if row["cancelled_on"] else ""
    return [
        ("platform 平台", "Taobao and Tmall 淘宝、天猫"),
        ("shop 店铺", named(row["shop_id"], row["shop_name"])),
        ("buyer 买家", row["buyer_id"]),
        ("grade 等级", f"{row['grade'] or 'none'}{cancelled}"),
        ("settings 设置", settings(row)),
    ]


def settings(row: Row) -> str:
    if row["setting_id"] is None:
        return "none saved before"
    switches = {"priority": row["is_enabled"], "queueing": row["queue_enabled"], "bot first": row["bot_first_enabled"]}
    told = ", ".join(f"{name} {'on' if is_on else 'off'}" for name, is_on in switches.items())
    return f"{row['setting_id']} of {moment(row['saved_at'])}: {told}; audiences {', '.join(row['audience_ids']) or 'none'}"


def entries(row: Row, prompted: list[Row]) -> list[Entry]:
    earlier = [
        Entry(one["entered_at"], row["buyer_id"], "entered before", f"entry {one['entry_id']}, prompt {one['prompt_shown']}")
        for one in prompted
        if row["prompt_suppressed_by"] == "within_8h"
    ]
    routed = named(f"routed to {row['routed_kind']}", row["routed_account_id"])
    what = f"{routed}, prompt {row['prompt_shown'] or 'none'}"
    return [
        *earlier,
        Entry(row["entered_at"], row["buyer_id"], f"enters 进线, {row['entry_point']}", what, "entry", matters=True),
    ]


def outcome(row: Row) -> str:
    match row["outcome"]:
        case "prioritised":
            return "Prioritised 优先接待: straight to a human (T-84)"
        case "failed_no_agent":
            return "Failed 优先接待失败: no agent was online, the service assistant takes it (T-83)"
        case _:
            return f"Not eligible 不符合条件: {INELIGIBLE[row['not_eligible_reason']]}"


def routing(row: Row) -> list[str]:
    if row["routed_as_expected"] is None:
        return []
    return [f"It was routed to {row['routed_kind']}, which is {'as' if row['routed_as_expected'] else 'not as'} expected."]


def double(row: Row) -> list[str]:
    return ["Exclusive service 专属客服 had priority too: both exclude each other (T-91)."] if row["is_double_priority"] else []


def prompt(row: Row) -> list[tuple[str, list[str]]]:
    if row["expected_prompt_text_key"]:
        kind, text = KINDS[row["expected_prompt_kind"]], TEXTS[row["expected_prompt_text_key"]]
        expected = f"Prompt 提示 {kind} (T-85): {text} (T-86)"
    elif row["prompt_suppressed_by"]:
        expected = f"Prompt 提示: {SUPPRESSED[row['prompt_suppressed_by']]}"
    else:
        expected = "Prompt 提示: none, for there is no priority"
    shown = f"Shown was {row['prompt_shown'] or 'none'}, which is {'as' if row['prompt_as_expected'] else 'not as'} expected."
    return [(expected, [shown])]
