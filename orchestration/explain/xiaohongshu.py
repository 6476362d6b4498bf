"""Xiaohongshu: a session (进线), what was said in it, and what the clauses X-… say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.tables import Row, rows
from orchestration.explain.text import Entry, Explanation, Finding, clock, duration, hour, moment, shorten, whole_seconds

PREFIX = "xiaohongshu-"

SESSION = """
select
    s.*, i.initiated_by, i.ended_by, r.rated_at, n.as_of,
    u.valid_from, u.reply_horizon, u.first_response_target_seconds, u.satisfied_min_stars,
    w.opens_at, w.closes_at, w.set_opens_at, w.set_closes_at, w.is_widened
from marts.xiaohongshu_sessions s
join staging.xiaohongshu_sessions i on s.session_id = i.session_id
join rules.xiaohongshu_rules u on s.rule_version = u.rule_version
join intermediate.int_xiaohongshu__work_hours w
    on s.shop_id = w.shop_id and s.business_date between w.valid_from and w.valid_to
left join staging.xiaohongshu_ratings r on s.session_id = r.session_id
left join build.as_of n on n.platform = 'xiaohongshu'
where s.session_id in ($given, $bare)
order by s.session_id <> $given
limit 1
"""

MESSAGES = """
select sent_at as at, case sender_kind when 'user' then 1 else 2 end as rank, message_id as id, sender_kind, agent_id, content
from staging.xiaohongshu_messages
where session_id = $session_id
order by sent_at, rank, message_id
"""

EVENTS = """
select occurred_at as at, event_id as id, event_type, agent_id from staging.xiaohongshu_session_events
where session_id = $session_id
order by occurred_at, event_id
"""

REASONS = """
select r.reason, r.clause_id, c.title_en, c.title_zh, r.description
from rules.exclusion_reasons r
left join marts.rule_clauses c on r.clause_id = c.clause_id
where r.platform = 'xiaohongshu' and list_contains($reasons, r.reason)
order by r.position
"""

SENDERS = {"user": "user 用户", "agent": "agent 客服", "bot": "bot 机器人"}
WORDS = {
    "user": "asks 咨询",
    "agent": "replies 回复",
    "bot": "bot 机器人, no reply (X-02)",
    "system": "system message, no reply (X-02)",
}
EVENT_WORDS = {"assigned": "takes it 承接", "transferred": "takes it over 转交"}


@dataclass(frozen=True)
class TakeOver:
    """The first time the session was handed to somebody else than who had it."""

    at: datetime
    giver: str
    taker: str


@dataclass(frozen=True)
class Round:
    asked_at: datetime
    replied_at: datetime | None

    @property
    def elapsed(self) -> timedelta | None:
        return self.replied_at - self.asked_at if self.replied_at else None


@dataclass(frozen=True)
class Session:
    """A session as the mart has it, with its messages and events in order."""

    row: Row
    messages: Sequence[Row]
    events: Sequence[Row]

    @property
    def due_at(self) -> datetime:
        at: datetime = self.row["entered_at"] + self.row["reply_horizon"]
        return at

    @property
    def first_written(self) -> Row | None:
        return next((m for m in self.messages if m["sender_kind"] == "agent" and m["at"] >= self.row["entered_at"]), None)

    @property
    def reply(self) -> Row | None:
        return self.first_written if self.row["first_reply_at"] else None

    @property
    def take_over(self) -> TakeOver | None:
        holder = None
        for event in self.events:
            if event["event_type"] == "transferred" and holder not in (None, event["agent_id"]):
                return TakeOver(event["at"], holder, event["agent_id"])
            holder = event["agent_id"]
        return None

    @property
    def is_voided(self) -> bool:
        return "taken_over_unanswered" in self.row["exclusion_reasons"]

    @property
    def intervals(self) -> list[Round]:
        """The rounds that X-09 takes: answered, and not the first."""
        return [] if self.is_voided else [r for r in rounds(self.messages, self.row["reply_horizon"])[1:] if r.replied_at]

    def time(self, at: datetime) -> str:
        return clock(at, self.row["business_date"])


def rounds(messages: Sequence[Row], horizon: timedelta) -> list[Round]:
    """From the first question, and from the first after each reply, to the next reply that is not later than the horizon."""
    found: list[Round] = []
    asked_at: datetime | None = None
    for message in messages:
        at = message["at"]
        if message["sender_kind"] == "user" and asked_at is None:
            asked_at = at
        elif message["sender_kind"] == "agent" and asked_at is not None:
            found.append(Round(asked_at, at if at - asked_at <= horizon else None))
            asked_at = None
    return found if asked_at is None else [*found, Round(asked_at, None)]


def explanation(connection: duckdb.DuckDBPyConnection, session_id: str) -> Explanation | None:
    """Of xiaohongshu-<session id>, or of the session id alone."""
    found = rows(connection, SESSION, given=session_id, bare=session_id.removeprefix(PREFIX))
    if not found:
        return None
    row = found[0]
    session = Session(
        row,
        messages=rows(connection, MESSAGES, session_id=row["session_id"]),
        events=rows(connection, EVENTS, session_id=row["session_id"]),
    )
    if is_changed(session):
        raise KefuError(f"what {session_id} was computed from has changed since: run kefu build first")
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
            (count(row), metrics(session)),
        ],
        findings=[
            Finding(**reason, facts=facts(reason["reason"], session))
            for reason in rows(connection, REASONS, reasons=row["exclusion_reasons"])
        ],
    )


def is_changed(session: Session) -> bool:
    """Whether the landed rows no longer say what the mart does."""
    written_at = session.first_written["at"] if session.first_written else None
    seconds = sum(interval.elapsed.total_seconds() for interval in session.intervals if interval.elapsed)
    row = session.row
    return (
        (row["first_reply_at"] is not None and row["first_reply_at"] != written_at)
        or (session.is_voided and session.take_over is None)
        or len(session.intervals) != row["reply_intervals"]
        or abs(seconds - row["reply_interval_seconds"]) > 0.001
    )


def header(row: Row) -> list[tuple[str, str]]:
    since = f"since {row['valid_from']}" if row["valid_from"].year > 1 else "from the beginning"
    return [
        ("platform 平台", "Xiaohongshu 小红书"),
        ("shop 店铺", row["shop_id"]),
        ("user 用户", row["user_id"]),
        ("agent 客服账号", row["account_id"] or "none 无"),
        ("business date 业务日期", f"{row['business_date']:%Y-%m-%d %A}"),
        ("rules 规则版本", f"{row['rule_version']}, in force {since}"),
        ("working hours 系统工作时间", f"{work_hours(row)} (X-03)"),
        ("target 目标", f"first reply within {target(row)} (X-02)"),
    ]


def work_hours(row: Row) -> str:
    held = f"{hour(row['opens_at'])}–{hour(row['closes_at'])}"
    return f"{held}, widened from {row['set_opens_at']}–{row['set_closes_at']}" if row["is_widened"] else held


def target(row: Row) -> str:
    return whole_seconds(timedelta(seconds=float(row["first_response_target_seconds"])))


def entries(session: Session) -> list[Entry]:
    row, reply = session.row, session.reply
    take_over = session.take_over if session.is_voided else None
    by_merchant = row["initiated_by"] == "merchant"
    who = f"{row['shop_id']} → {row['user_id']}" if by_merchant else row["user_id"]
    told = [(row["entered_at"], -1, Entry(row["entered_at"], who, "enters 进线", "", mark="clock", matters=True))]
    for event in session.events:
        voids = take_over is not None and event["event_type"] == "transferred" and event["at"] == take_over.at
        words, mark = EVENT_WORDS[event["event_type"]], "handed on" if voids else ""
        told.append((event["at"], 0, Entry(event["at"], event["agent_id"], words, "", mark, matters=True)))
    for message in session.messages:
        is_reply = reply is not None and message["id"] == reply["id"]
        author = row["user_id"] if message["sender_kind"] == "user" else message["agent_id"] or message["sender_kind"]
        told.append(
            (
                message["at"],
                message["rank"],
                Entry(
                    message["at"],
                    author,
                    WORDS[message["sender_kind"]],
                    shorten(message["content"]),
                    mark="first reply" if is_reply else "",
                    matters=True,
                ),
            )
        )
    if row["ended_at"]:
        told.append((row["ended_at"], 3, Entry(row["ended_at"], row["ended_by"] or "", "ends it 结束", "", matters=True)))
    if row["stars"] is not None:
        told.append((row["rated_at"], 4, Entry(row["rated_at"], row["user_id"], "rates it 打分", stars(row), matters=True)))
    return [entry for _, _, entry in sorted(told, key=lambda one: one[:2])]


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
    row, reply, hours = session.row, session.reply, session.row["reply_horizon"] // timedelta(hours=1)
    if reply is not None:
        verdict = "On time 及时: within" if row["is_on_time"] else "Late 超时: not within"
        after = duration(reply["at"] - row["entered_at"])
        return [
            f"{session.time(reply['at'])} by {reply['agent_id'] or 'an agent'}, after {after}.",
            f"{verdict} {target(row)} (X-02).",
        ]
    if session.is_voided:
        return ["No valid reply: who takes a session must answer before handing it on (X-06)."]
    late = f"; {session.time(session.first_written['at'])} was too late" if session.first_written else ""
    return [f"No valid reply within {hours} h, until {moment(session.due_at)} (X-04){late}."]


def intervals(session: Session) -> list[str]:
    found = session.intervals
    if not found:
        return ["No interval (X-09)."]
    told = [
        f"Asked at {session.time(r.asked_at)}, answered at {session.time(r.replied_at)}, after {duration(r.elapsed)}."
        for r in found
        if r.replied_at is not None and r.elapsed is not None
    ]
    total = duration(sum((r.elapsed for r in found if r.elapsed), timedelta()))
    return [*told, f"In all {len(found)}, of {total}; the first question has its own metrics (X-09)."]


def afterwards(session: Session) -> list[str]:
    row = session.row
    words = f"{SENDERS[row['last_speaker']]} had the last word" if row["last_speaker"] else "Nobody wrote anything"
    ended = f"Ended at {session.time(row['ended_at'])}" if row["ended_at"] else "No end has landed"
    rated = "not rated"
    if row["stars"] is not None:
        good = "good 好评" if row["stars"] >= row["satisfied_min_stars"] else "not good 差评"
        rated = f"rated with {stars(row)}, {good}"
    return [f"{words} (X-11).", f"{ended} (X-05); {rated} (X-07)."]


def count(row: Row) -> str:
    remarks = len(row["exclusion_reasons"])
    if row["is_counted"]:
        return "Counts 计入考核" + (f", with {remarks} remark{'s' if remarks > 1 else ''}:" if remarks else "")
    return "Does not count 不计入考核, reasons and remarks:"


def metrics(session: Session) -> list[str]:
    """What a session that counts is to the metrics."""
    row = session.row
    if not row["is_counted"]:
        return []
    response = "as on time" if row["is_on_time"] else "as not on time"
    return [
        f"In the 45s first response rate 45s首响率 {response if row['in_work_hours'] else 'not at all'} (X-02).",
        f"In the 24h reply rate 24小时回复率 as {'answered' if row['is_replied_24h'] else 'not answered'} (X-04).",
        f"In the rating participation rate 参评率 as {'not ' if row['stars'] is None else ''}rated (X-08).",
    ]


def facts(reason: str, session: Session) -> list[str]:
    """What a reason rests on."""
    row, written, take_over = session.row, session.first_written, session.take_over
    match reason:
        case "merchant_initiated":
            return [f"the merchant started it at {moment(row['entered_at'])}"]
        case "not_ended" if written is not None:
            return [f"an agent has written in it, first at {moment(written['at'])}, and no end has landed"]
        case "not_ended":
            return [f"it can be answered until {moment(session.due_at)}, and data has landed up to {moment(row['as_of'])}"]
        case "outside_work_hours":
            return [f"entered at {row['entered_at'].time().isoformat('milliseconds')}, working hours {work_hours(row)}"]
        case "taken_over_unanswered" if take_over is not None:
            first = f"the first reply came at {moment(written['at'])}" if written else "nobody replied"
            return [f"{take_over.giver} had it, {take_over.taker} took it over at {moment(take_over.at)}; {first}"]
        case _:
            return []
