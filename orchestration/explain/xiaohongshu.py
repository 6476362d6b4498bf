"""Xiaohongshu: a session (进线), what was said in it, and what the clauses X-… say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.conversation import Happening, conversation
from orchestration.explain.tables import Row, clauses_of, day_and_rules, findings, rows
from orchestration.explain.text import AUTHORS, PLATFORMS, Entry, Explanation, clock, duration, hour, moment, whole_seconds

PLATFORM = "xiaohongshu"
PREFIX = f"{PLATFORM}-"

SESSION = """
select
    s.*, i.initiated_by, i.ended_by, r.rated_at,
    u.valid_from, u.valid_to, u.reply_horizon, s.entered_at + u.reply_horizon as due_at,
    u.first_response_target_seconds::double * interval 1 second as target, s.stars >= u.satisfied_min_stars as is_satisfied,
    w.opens_at, w.closes_at, w.set_opens_at, w.set_closes_at, w.is_widened
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


@dataclass(frozen=True)
class Session:
    """A session as it was judged, with what was said in it."""

    row: Row
    conversation: Sequence[Happening]
    intervals: Sequence[Row]

    @property
    def first_written(self) -> Happening | None:
        return next((one for one in self.conversation if one.kind == "R" and one.at >= self.row["entered_at"]), None)

    @property
    def reply(self) -> Happening | None:
        """The first reply. KefuError: the landed rows no longer hold it."""
        written, at = self.first_written, self.row["first_reply_at"]
        if at is not None and (written is None or written.at != at):
            raise KefuError(f"what {PREFIX}{self.row['session_id']} was computed from has changed since: run kefu build first")
        return written if at is not None else None

    @property
    def is_voided(self) -> bool:
        return "taken_over_unanswered" in self.row["exclusion_reasons"]

    def time(self, at: datetime) -> str:
        return clock(at, self.row["business_date"])


def explanation(connection: duckdb.DuckDBPyConnection, session_id: str) -> Explanation | None:
    """Of xiaohongshu-<session id>, or of the session id alone."""
    found = rows(connection, SESSION, given=session_id, bare=session_id.removeprefix(PREFIX))
    if not found:
        return None
    row = found[0]
    happenings = conversation(
        connection,
        clauses_of(connection, PLATFORM, PLATFORM),
        platform=PLATFORM,
        customer_id=row["user_id"],
        conversation_id=row["session_id"],
        start=datetime.min,
        end=datetime.max,
    )
    keys = {key: row[key] for key in ("session_id", "reply_intervals")}
    session = Session(row, happenings, rows(connection, INTERVALS, **keys))
    return Explanation(
        title=f"Session 进线 {PREFIX}{row['session_id']}",
        header=header(row),
        day=row["business_date"],
        entries=entries(session),
        verdict=[
            ("Entered", entering(session)),
            ("Answered by", answer(session)),
            ("Reply intervals 回复间隔", intervals(session)),
            ("Afterwards", afterwards(session)),
            (count(row), metrics(row)),
        ],
        findings=findings(connection, PLATFORM, row, with_remarks=True),
    )


def header(row: Row) -> list[tuple[str, str]]:
    return [
        ("platform 平台", PLATFORMS[PLATFORM]),
        ("shop 店铺", row["shop_id"]),
        ("user 用户", row["user_id"]),
        ("agent 客服账号", row["account_id"] or "none 无"),
        *day_and_rules(row),
        ("working hours 系统工作时间", f"{work_hours(row)} (X-03)"),
        ("target 目标", f"first reply within {whole_seconds(row['target'])} (X-02)"),
    ]


def work_hours(row: Row) -> str:
    held = f"{hour(row['opens_at'])}–{hour(row['closes_at'])}"
    return f"{held}, widened from {row['set_opens_at']}–{row['set_closes_at']}" if row["is_widened"] else held


def entries(session: Session) -> list[Entry]:
    row, reply = session.row, session.reply
    by_merchant = row["initiated_by"] == "merchant"
    who = f"{row['shop_id']} → {row['user_id']}" if by_merchant else row["user_id"]
    told = [Entry(row["entered_at"], who, "enters 进线", "", mark="clock", matters=True)]
    for one in session.conversation:
        is_handed_on = session.is_voided and one.is_transfer
        told.append(one.entry("first reply" if one is reply else "handed on" if is_handed_on else ""))
    if row["ended_at"]:
        told.append(Entry(row["ended_at"], row["ended_by"] or "", "ends it 结束", "", matters=True))
    if row["stars"] is not None:
        told.append(Entry(row["rated_at"], row["user_id"], "rates it 打分", stars(row), matters=True))
    return sorted(told, key=lambda entry: entry.at)


def stars(row: Row) -> str:
    return f"{row['stars']} star{'s' if row['stars'] > 1 else ''}"


def entering(session: Session) -> list[str]:
    row = session.row
    who = f"{row['user_id']} entered" if row["initiated_by"] == "user" else "The merchant started it"
    where = "in" if row["in_work_hours"] else "outside"
    return [
        f"{who} at {session.time(row['entered_at'])}, {where} the working hours {work_hours(row)} (X-02, X-03).",
        "The clock of the first response starts here, and no status of an agent stops it (X-02).",
    ]


def answer(session: Session) -> list[str]:
    row, reply, written = session.row, session.reply, session.first_written
    if reply is not None:
        verdict = "On time 及时: within" if row["is_on_time"] else "Late 超时: not within"
        return [
            f"{session.time(reply.at)} by {reply.account_id or 'an agent'}, after {duration(reply.at - row['entered_at'])}.",
            f"{verdict} {whole_seconds(row['target'])} (X-02).",
        ]
    if session.is_voided:
        return ["No valid reply: who takes a session must answer before handing it on (X-06)."]
    late = f"; {session.time(written.at)} was too late" if written else ""
    return [f"No valid reply within {row['reply_horizon'] // timedelta(hours=1)} h, until {moment(row['due_at'])} (X-04){late}."]


def intervals(session: Session) -> list[str]:
    found = session.intervals
    if not found:
        return ["No interval (X-09)."]
    told = [
        f"Asked at {session.time(r['asked_at'])}, answered at {session.time(r['replied_at'])}, after {duration(r['elapsed'])}."
        for r in found
    ]
    total = duration(timedelta(seconds=session.row["reply_interval_seconds"]))
    return [*told, f"In all {len(found)}, of {total}; the first question has its own metrics (X-09)."]


def afterwards(session: Session) -> list[str]:
    row = session.row
    words = f"{AUTHORS[row['last_speaker']]} had the last word" if row["last_speaker"] else "Nobody wrote anything"
    ended = f"Ended at {session.time(row['ended_at'])}" if row["ended_at"] else "No end has landed"
    good = "good 好评" if row["is_satisfied"] else "not good 差评"
    rated = "not rated" if row["stars"] is None else f"rated with {stars(row)}, {good}"
    return [f"{words} (X-11).", f"{ended} (X-05); {rated} (X-07)."]


def count(row: Row) -> str:
    remarks = len(row["exclusion_reasons"])
    if row["is_counted"]:
        return "Counts 计入考核" + (f", with {remarks} remark{'s' if remarks > 1 else ''}:" if remarks else "")
    return "Does not count 不计入考核, reasons and remarks:"


def metrics(row: Row) -> list[str]:
    """What a session that counts is to the metrics."""
    if not row["is_counted"]:
        return []
    response = "as on time" if row["is_on_time"] else "as not on time"
    return [
        f"In the 45s first response rate 45s首响率 {response if row['in_work_hours'] else 'not at all'} (X-02).",
        f"In the 24h reply rate 24小时回复率 as {'answered' if row['is_replied_24h'] else 'not answered'} (X-04).",
        f"In the rating participation rate 参评率 as {'not ' if row['stars'] is None else ''}rated (X-08).",
    ]
