"""Taobao: an entry (进线) of priority reception, and what the clauses T-80 to T-91 say of it."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import header
from orchestration.explain.text import Entry, Explanation, Row, clock, named
from orchestration.language import _, localized

# With the setting that stood then, and the last entry at which the buyer was shown a prompt.
ENTRY = """
select 'taobao' as platform, *, b.entry_id as earlier_id, b.entered_at as earlier_at, b.prompt_shown as earlier_prompt
from metrics.int_taobao__priority_receptions p
join metrics.int_taobao__priority_conditions c on p.entry_id = c.entry_id
left join marts.taobao_grades g on p.shop_id = g.shop_id and date_trunc('month', p.entered_at)::date = g.month
left join items.int_taobao__priority_settings z
    on p.shop_id = z.shop_id and not z.is_rejected and p.entered_at >= z.saved_at and p.entered_at < z.saved_until
left join metrics.int_taobao__priority_conditions b
    on p.shop_id = b.shop_id and p.buyer_id = b.buyer_id and c.last_prompted_at = b.entered_at and b.prompt_shown is not null
where p.entry_id = $id
order by b.entry_id
limit 1
"""

EXPECTED = {True: "as expected", False: "not as expected"}
OUTCOMES = {
    "prioritised": "Prioritised 优先接待: straight to a human (T-84)",
    "failed_no_agent": "Failed 优先接待失败: no agent was online, the service assistant takes it (T-83)",
    "grade": "Not eligible 不符合条件: the shop has no gold or silver grade in force that day (T-80, T-90)",
    "switched_off": "Not eligible 不符合条件: priority reception is not switched on (T-80)",
    "audience": "Not eligible 不符合条件: the buyer is in none of the audiences selected that day (T-80, T-82)",
}
PROMPTS = {
    "skipped_queue": "the queue was skipped 已跳过排队 (T-86)",
    "skipped_bot": "the bot was skipped 已跳过机器人 (T-86)",
    "arranged": "an agent was arranged 已安排客服 (T-86)",
    "message_box": "none from the message box 消息盒子 (T-87)",
    "recent_agent": "none at the agent contacted last 最近联系人, without queueing (T-89)",
    "within_8h": "none so soon after the last one (T-88)",
    None: "none, for there is no priority",
}
KINDS = {"member": " 会员专属客服 (T-85)", "audience": " 优先接待生效 (T-85)", None: ""}


def explanation(connection: duckdb.DuckDBPyConnection, row: Row) -> Explanation:
    cancelled = f", cancelled on {row['cancelled_on']} (T-72)" if row["cancelled_on"] else ""
    grade = ("grade 等级", f"{_(row['grade'] or 'none')}{cancelled}")
    expected = PROMPTS[row["expected_prompt_text_key"] or row["prompt_suppressed_by"]]
    shown = f"Shown was {row['prompt_shown'] or 'none'}, which is {EXPECTED[row['prompt_as_expected']]}."
    return Explanation(
        title=f"Entry 进线 taobao-entry-{row['entry_id']}",
        header=header(row, grade, ("settings 设置", settings(row))),
        day=row["entered_at"].date(),
        entries=entries(row),
        verdict=[
            (OUTCOMES[row["not_eligible_reason"] or row["outcome"]], routing(row)),
            (f"Prompt 提示{KINDS[row['expected_prompt_kind']]}: {expected}", [shown]),
        ],
    )


def settings(row: Row) -> str:
    if row["setting_id"] is None:
        return "none saved before"
    switches = {"priority": row["is_switched_on"], "queueing": row["queue_enabled"], "bot first": row["bot_first_enabled"]}
    told = ", ".join(f"{name} {'on' if is_on else 'off'}" for name, is_on in switches.items())
    return f"{row['setting_id']} of {clock(row['saved_at'])}: {told}; audiences {', '.join(row['audience_ids']) or 'none'}"


def entries(row: Row) -> list[Entry]:
    routed = named(localized(f"routed to {row['routed_kind']}"), row["routed_account_id"])
    what = f"{routed}, prompt {row['prompt_shown'] or 'none'}"
    told = [Entry(row["entered_at"], row["buyer_id"], f"enters 进线, {row['entry_point']}", localized(what), "entry")]
    if row["prompt_suppressed_by"] == "within_8h":
        earlier = f"entry {row['earlier_id']}, prompt {row['earlier_prompt']}"
        told.insert(0, Entry(row["earlier_at"], row["buyer_id"], "entered before", localized(earlier)))
    return told


def routing(row: Row) -> list[str]:
    told = []
    if row["routed_as_expected"] is not None:
        told.append(f"It was routed to {row['routed_kind']}, which is {EXPECTED[row['routed_as_expected']]}.")
    if row["is_double_priority"]:
        told.append("Exclusive service 专属客服 had priority too: both exclude each other (T-91).")
    return told
