"""Xiaohongshu: a session (进线), what was said in it, and what the clauses X-… say of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.conversation import Happening, conversation
from orchestration.explain.tables import Row, clauses_of, day_and_rules, findings, rows
from orchestration.explain.text import (
    AUTHORS,
    PLATFORMS,
    Entry,
    Explanation,
    clock,
    duration,
    hour,
    moment,
    number,
    whole_seconds,
)

PREFIX = "xiaohongshu-"

SESSION = """
select
    s.*, i.initiated_by, i.ended_by, r.rated_at, u.valid_from, u.valid_to, u.reply_horizon_hours,
    s.entered_at + u.reply_horizon as due_at, u.first_response_target_seconds::double * interval 1 second as target,
    s.stars >= u.satisfied_min_stars as is_satisfied, w.opens_at, w.closes_at, w.set_opens_at, w.set_closes_at, w.is_widened
from judged.int_xiaohongshu__judged_sessions s
join staging.xiaohongshu_sessions i on s.session_id = i.session_id
join rules.xiaohongshu_rules u on s.rule_version = u.rule_version
join items.int_xiaohongshu__work_hours w on s.shop_id = w.shop_id and s.business_date between w.valid_from and w.valid_to
left join staging.xiaohongshu_ratings r on s.session_id = r.session_id
where s.session_id in ($given, $bare)
order by s.session_id <> $given
limit 1
"""

# The rounds that X-09 takes: answered, and not the first; none of a session that is judged to have no valid reply.
INTERVALS = """
select clock_started_at as asked_at, first_reply_at as replied_at, first_reply_at - clock_started_at as elapsed
from judged.int_judged_rounds
where platform = 'xiaohongshu' and conversation_id = $session_id and $reply_intervals > 0
qualify first_reply_at is not null and row_number() over (order by clock_started_at, round_id) > 1
order by clock_started_at, round_id
"""


def explanation(connection: duckdb.DuckDBPyConnection, session_id: str) -> Explanation | None:
    """Of xiaohongshu-<session id>, or of the session id alone."""
    found = rows(connection, SESSION, given=session_id, bare=session_id.removeprefix(PREFIX))
    if not found:
        return None
    row, clauses, always = found[0], clauses_of(connection, "xiaohongshu", "xiaohongshu"), (datetime.min, datetime.max)
    keys = {"platform": "xiaohongshu", "customer_id": row["user_id"], "conversation_id": row["session_id"]}
    said = conversation(connection, clauses, start=always[0], end=always[1], **keys)
    written = next((one for one in said if one.kind == "R" and one.at >= row["entered_at"]), None)
    if row["first_reply_at"] not in (None, written and written.at):
        raise KefuError(f"what {session_id} was computed from has changed since: run kefu build first")
    intervals = rows(connection, INTERVALS, session_id=row["session_id"], reply_intervals=row["reply_intervals"])
    return Explanation(
        title=f"Session 进线 {PREFIX}{row['session_id']}",
        header=header(row),
        day=row["business_date"],
        entries=entries(row, said, written),
        verdict=[
            ("Entered", entering(row)),
            ("Answered by", answer(row, written)),
            ("Reply intervals 回复间隔", told_intervals(row, intervals)),
            ("Afterwards", afterwards(row)),
            (count(row), metrics(row)),
        ],
        findings=findings(connection, "xiaohongshu", row, with_remarks=True),
    )


def header(row: Row) -> list[tuple[str, str]]:
    return [
        ("platform 平台", PLATFORMS["xiaohongshu"]),
        ("shop 店铺", row["shop_id"]),
        ("user 用户", row["user_id"]),
        ("agent 客服账号", row["account_id"] or "none 无"),
        *day_and_rules(row),
        ("working hours 系统工作时间", f"{work_hours(row)} (X-03)"),
        ("target 目标", f"first reply within {whole_seconds(row['target'])} (X-02)"),
    ]


def work_hours(row: Row) -> str:
    widened = f", widened from {row['set_opens_at']}–{row['set_closes_at']}" if row["is_widened"] else ""
    return f"{hour(row['opens_at'])}–{hour(row['closes_at'])}{widened}"


def entries(row: Row, said: Sequence[Happening], written: Happening | None) -> list[Entry]:
    by, user = f"{row['shop_id']} → " if row["initiated_by"] == "merchant" else "", row["user_id"]
    is_handed_on = "taken_over_unanswered" in row["exclusion_reasons"]
    told = [Entry(row["entered_at"], f"{by}{user}", "enters 进线", "", mark="clock", matters=True)]
    for one in said:
        mark = "first reply" if one is written and row["first_reply_at"] else ""
        told.append(one.entry("handed on" if is_handed_on and one.is_transfer else mark))
    if row["ended_at"]:
        told.append(Entry(row["ended_at"], row["ended_by"] or "", "ends it 结束", "", matters=True))
    if row["stars"] is not None:
        told.append(Entry(row["rated_at"], user, "rates it 打分", number(row["stars"], "star"), matters=True))
    return sorted(told, key=lambda entry: entry.at)


def entering(row: Row) -> list[str]:
    who = f"{row['user_id']} entered" if row["initiated_by"] == "user" else "The merchant started it"
    where = f"{'in' if row['in_work_hours'] else 'outside'} the working hours {work_hours(row)} (X-02, X-03)"
    return [
        f"{who} at {clock(row['entered_at'], row['business_date'])}, {where}.",
        "The clock of the first response starts here, and no status of an agent stops it (X-02).",
    ]


def answer(row: Row, written: Happening | None) -> list[str]:
    at = clock(written.at, row["business_date"]) if written else ""
    if written and row["first_reply_at"]:
        verdict = "On time 及时: within" if row["is_on_time"] else "Late 超时: not within"
        return [
            f"{at} by {written.account_id or 'an agent'}, after {duration(written.at - row['entered_at'])}.",
            f"{verdict} {whole_seconds(row['target'])} (X-02).",
        ]
    if "taken_over_unanswered" in row["exclusion_reasons"]:
        return ["No valid reply: who takes a session must answer before handing it on (X-06)."]
    late = f"; {at} was too late" if written else ""
    return [f"No valid reply within {row['reply_horizon_hours']} h, until {moment(row['due_at'])} (X-04){late}."]


def told_intervals(row: Row, intervals: Sequence[Row]) -> list[str]:
    if not intervals:
        return ["No interval (X-09)."]
    told = []
    for one in intervals:
        asked_at, replied_at = (clock(one[at], row["business_date"]) for at in ("asked_at", "replied_at"))
        told.append(f"Asked at {asked_at}, answered at {replied_at}, after {duration(one['elapsed'])}.")
    total = duration(timedelta(seconds=row["reply_interval_seconds"]))
    return [*told, f"In all {len(intervals)}, of {total}; the first question has its own metrics (X-09)."]


def afterwards(row: Row) -> list[str]:
    words = f"{AUTHORS[row['last_speaker']]} had the last word" if row["last_speaker"] else "Nobody wrote anything"
    ended = f"Ended at {clock(row['ended_at'], row['business_date'])}" if row["ended_at"] else "No end has landed"
    good = "good 好评" if row["is_satisfied"] else "not good 差评"
    rated = "not rated" if row["stars"] is None else f"rated with {number(row['stars'], 'star')}, {good}"
    return [f"{words} (X-11).", f"{ended} (X-05); {rated} (X-07)."]


def count(row: Row) -> str:
    remarks = number(len(row["exclusion_reasons"]), "remark")
    if row["is_counted"]:
        return "Counts 计入考核" + (f", with {remarks}:" if row["exclusion_reasons"] else "")
    return "Does not count 不计入考核, reasons and remarks:"


def metrics(row: Row) -> list[str]:
    """What a session that counts is to the metrics."""
    if not row["is_counted"]:
        return []
    response = f"as {'' if row['is_on_time'] else 'not '}on time" if row["in_work_hours"] else "not at all"
    return [
        f"In the 45s first response rate 45s首响率 {response} (X-02).",
        f"In the 24h reply rate 24小时回复率 as {'' if row['is_replied_24h'] else 'not '}answered (X-04).",
        f"In the rating participation rate 参评率 as {'not ' if row['stars'] is None else ''}rated (X-08).",
    ]
