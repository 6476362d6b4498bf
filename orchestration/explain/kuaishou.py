"""Kuaishou: the rows of a round and what the clauses K-… say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.rounds import Clauses, Happening, RowsChangedError, Rules, Story, count, steps, waits
from orchestration.explain.tables import Row, round_of, rows, rules_of
from orchestration.explain.text import Explanation, Finding, duration, moment, named, shorten, whole_seconds

CLAUSES = Clauses(clock="K-03", target="K-03", hand_over="K-02", waiting="K-02", own_rounds="K-03", bot="bot")

ROUND = """
select r.*, s.shop_name, f.as_of
from marts.kuaishou_rounds r
left join marts.shops s on s.platform = 'kuaishou' and r.shop_id = s.shop_id
left join build.as_of f on f.platform = 'kuaishou'
where r.round_id = $round_id
"""

RULES = "select * from rules.kuaishou_rules where rule_version = $rule_version"

# Messages and events of the session. What is no item has no kind.
CONVERSATION = """
with items as (
    select item_id, item_rank, kind from intermediate.int_kuaishou__items
    where conversation_id = $session_id and item_at between $start and $end
),

messages as (
    select
        sent_at as at, case sender_kind when 'user' then 1 else 2 end as item_rank, message_id as id, agent_id,
        message_type as type, content, sender_kind, user_id
    from staging.kuaishou_messages
    where session_id = $session_id and sent_at between $start and $end
),

events as (
    select
        occurred_at as at, 0 as item_rank, event_id as id, agent_id,
        event_type as type, null as content, null as sender_kind, user_id
    from staging.kuaishou_session_events
    where session_id = $session_id and occurred_at between $start and $end
)

select h.*, i.kind
from (select * from messages union all select * from events) h
left join items i on h.id = i.item_id and h.item_rank = i.item_rank
"""

REASONS = """
select r.reason, r.clause_id, c.title_en, c.title_zh, r.description
from rules.exclusion_reasons r
left join marts.rule_clauses c on r.clause_id = c.clause_id
where r.platform = 'kuaishou' and list_contains($reasons, r.reason)
order by list_position($reasons, r.reason)
"""

REPORTS = """
select report_id, reported_at, effective_from, resolved_at from staging.kuaishou_malicious_reports
where shop_id = $shop_id and user_id = $user_id and result = 'upheld' and effective_from <= $clock_started_at
order by effective_from, report_id
"""

AUTHORS = {"agent": "agent 人工客服", "bot": "bot 智能客服"}
EVENTS = {
    "assigned": "hand-over 转人工",
    "transferred": "hand-over 转接",
    "bot_started": "to a bot 智能客服接待: no human (K-02)",
    "closed": "session closed, changes nothing",
}


def explanation(connection: duckdb.DuckDBPyConnection, round_id: str) -> Explanation | None:
    found = rows(connection, ROUND, round_id=round_id)
    if not found:
        return None
    row = found[0]
    round_ = round_of(row, customer="user_id", account="agent_id")
    changed = KefuError(f"what {round_id} was computed from has changed since: run kefu build first")
    rule_rows = rows(connection, RULES, rule_version=row["rule_version"])
    if not rule_rows:
        raise changed
    do_bots_reply = rule_rows[0]["reply_scope"] == "bot_and_human"
    rules = replace(rules_of(rule_rows[0]), does_anyone_wait=not do_bots_reply)
    midnight = datetime.combine(round_.business_date, datetime.min.time())
    conversation = rows(
        connection,
        CONVERSATION,
        session_id=row["session_id"],
        start=min(midnight, round_.first_message_at - 2 * rules.lookback),
        end=max(midnight + timedelta(days=1), round_.clock_started_at + rules.horizon),
    )
    happenings = (happening(one, do_bots_reply=do_bots_reply) for one in conversation)
    story = Story(round_, rules, CLAUSES, steps(happenings, rules.lookback), row["as_of"])
    try:
        told = [("Opened by", story.opening()), ("Answered by", story.answer())]
        entries = story.entries()
        reports = rows(
            connection, REPORTS, shop_id=row["shop_id"], user_id=row["user_id"], clock_started_at=round_.clock_started_at
        )
        findings = [
            Finding(**reason, facts=facts(reason["reason"], story, reports))
            for reason in rows(connection, REASONS, reasons=list(round_.reasons))
        ]
    except RowsChangedError:
        raise changed from None
    return Explanation(
        title=f"Round 轮次 {round_id}",
        header=header(row, rules, do_bots_reply=do_bots_reply),
        day=round_.business_date,
        entries=entries,
        verdict=[*told, (count(round_), person(story))],
        findings=findings,
    )


def header(row: Row, rules: Rules, *, do_bots_reply: bool) -> list[tuple[str, str]]:
    return [
        ("platform 平台", "Kuaishou 快手"),
        ("shop 店铺", named(row["shop_id"], row["shop_name"])),
        ("user 用户", row["user_id"]),
        ("agent 客服", row["agent_id"] or "none 无"),
        ("session 会话", row["session_id"]),
        ("business date 业务日期", f"{row['business_date']:%Y-%m-%d %A}"),
        ("rules 规则版本", f"{rules.rule_version}, in force {rules.in_force}"),
        ("window 考核时间", f"{rules.window} (K-01)"),
        ("replies 回复", f"{'of bots and humans 智能客服+人工客服' if do_bots_reply else 'of humans only 仅人工客服'} (K-02)"),
        ("target 目标", f"reply within {whole_seconds(rules.target)} (K-03)"),
    ]


def happening(row: Row, *, do_bots_reply: bool) -> Happening:
    """A message or event as the rules of the round's day take it."""
    kind, agent = row["kind"], row["agent_id"]
    if do_bots_reply:
        kind = {"B": "R", "H": None, "N": None}.get(kind, kind)
    if row["item_rank"] == 0:
        who, what = f"routing 分流 → {agent}" if agent else "routing 分流", ""
    else:
        sender, what = agent or row["sender_kind"], f"{row['type']}: {shorten(row['content'])}" if row["content"] else row["type"]
        who = f"{row['user_id']} → {agent or 'shop'}" if row["item_rank"] == 1 else f"{sender} → {row['user_id']}"
    return Happening(
        at=row["at"],
        rank=row["item_rank"],
        id=row["id"],
        kind=kind,
        account_id=agent,
        who=who,
        words=words(row, do_bots_reply=do_bots_reply),
        what=what,
        author=AUTHORS.get(row["sender_kind"], ""),
    )


def words(row: Row, *, do_bots_reply: bool) -> str:
    """What a message or event is to a round."""
    if row["item_rank"] == 0:
        if do_bots_reply and row["kind"]:
            return "routing, meant nothing yet (K-02)"
        return EVENTS.get(row["type"]) or str(row["type"])
    match row["sender_kind"]:
        case "user":
            return "question 咨询"
        case "agent":
            return "reply 人工回复"
        case "bot":
            return "bot 智能客服, a reply then (K-02)" if do_bots_reply else "bot 智能客服, no reply (K-02)"
        case _:
            return "system message, no reply"


def person(story: Story) -> list[str]:
    """What a counted round is to the reply rate, which counts people."""
    round_ = story.round
    if not round_.is_counted:
        return []
    if round_.is_on_time:
        return [f"In the reply rate {round_.customer_id} is answered that day, unless another counted round was not (K-03)."]
    return [f"In the reply rate {round_.customer_id} is unanswered that day, whatever other rounds were (K-03)."]


def facts(reason: str, story: Story, reports: Sequence[Row]) -> list[str]:
    """What a reason rests on."""
    round_, elapsed, clock = story.round, story.round.elapsed, moment(story.round.clock_started_at)
    match reason:
        case "not_routed_to_human":
            return [f"asked at {clock}, and no human took it over or replied until {moment(story.ends_at)}", *waits(story)]
        case "non_human_reply" if elapsed is not None:
            return [f"{named('the bot', round_.account_id)} answered after {duration(elapsed)}", *waits(story)]
        case "outside_window":
            by = ["the time of the hand-over decides, not that of the question (K-02)"] if round_.clock_kind == "H" else []
            return [f"clock start {clock}, window {story.rules.window}", *by]
        case "malicious_user":
            return [
                f"report {report['report_id']} on {round_.customer_id} was upheld, in effect from "
                f"{moment(report['effective_from'])} on, clock start {clock}"
                for report in reports
            ]
        case _:
            return []
