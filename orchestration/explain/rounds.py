"""A round (轮次) of any platform told in words: what opened it, what answered it, whether it counts and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.conversation import Happening, conversation
from orchestration.explain.metrics import of_metrics
from orchestration.explain.tables import Clauses, Row, account, clauses_of, day_and_rules, findings, rows
from orchestration.explain.text import PLATFORMS, Entry, Explanation, clock, duration, hour, moment, named, number, whole_seconds

ROUND = """
select
    r.*, s.scope, s.shop_name, a.account_type, a.display_name, f.as_of,
    u.valid_from, u.valid_to, u.window_start, u.window_end, u.round_scope, u.reply_scope, u.routing_lookback,
    u.response_target_seconds::double * interval 1 second as target,
    date_part('epoch', u.reply_horizon)::integer // 3600 as horizon_hours, r.clock_started_at + u.reply_horizon as ends_at
from judged.int_judged_rounds r
join items.int_shops s on r.platform = s.platform and r.shop_id = s.shop_id
left join items.int_accounts a on r.platform = a.platform and r.shop_id = a.shop_id and r.account_id = a.account_id
left join build.as_of f on r.platform = f.platform
left join rules.round_rules u on r.rule_version = u.rule_version
where r.platform = $platform and r.round_id = $round_id
"""

OTHER_ROUNDS = """
select round_id, account_id, clock_started_at, first_reply_at, business_date
from judged.int_judged_rounds
where platform = $platform and conversation_id = $conversation_id and round_id <> $round_id
order by clock_started_at, round_id
"""


class RowsChangedError(Exception):
    """A round's own messages or events are no longer what they were when it was computed."""


def explanation(connection: duckdb.DuckDBPyConnection, platform: str, round_id: str) -> Explanation | None:
    found = rows(connection, ROUND, platform=platform, round_id=round_id)
    try:
        return told(connection, found[0]) if found else None
    except RowsChangedError:
        raise KefuError(f"what {round_id} was computed from has changed since: run kefu build first") from None


def told(connection: duckdb.DuckDBPyConnection, row: Row) -> Explanation:
    if row["valid_from"] is None:
        raise RowsChangedError(row["rule_version"])
    platform, clauses = row["platform"], clauses_of(connection, row["platform"], row["scope"])
    midnight = datetime.combine(row["business_date"], datetime.min.time())
    happenings = conversation(
        connection,
        clauses,
        platform=platform,
        customer_id=row["customer_id"],
        bots_reply=row["reply_scope"] == "bot_and_human",
        conversation_id=row["conversation_id"],
        start=min(midnight, row["first_message_at"] - 2 * row["routing_lookback"]),
        end=max(midnight + timedelta(days=1), row["ends_at"]),
    )
    others = rows(connection, OTHER_ROUNDS, **{name: row[name] for name in ("platform", "conversation_id", "round_id")})
    story = Story(row, happenings, clauses, others)
    return Explanation(
        title=f"Round 轮次 {row['round_id']}",
        header=header(row, clauses),
        day=row["business_date"],
        entries=story.entries(),
        verdict=[("Opened by", story.opening()), ("Answered by", story.answer()), (count(row), of_metrics(connection, row))],
        findings=findings(connection, platform, row),
    )


def header(row: Row, clauses: Clauses) -> list[tuple[str, str]]:
    lines = [
        ("platform 平台", PLATFORMS.get(row["scope"], row["scope"])),
        ("shop 店铺", named(row["shop_id"], row["shop_name"])),
        ("customer 顾客", row["customer_id"]),
        ("account 客服账号", account(row)),
        ("conversation 会话", row["conversation_id"]),
        *day_and_rules(row),
    ]
    if row["window_start"] is not None:
        window = f"{hour(row['window_start'])}–{hour(row['window_end'])}"
        lines.append(("window 考核时间", f"{window}{clauses.cite('window_start')}"))
    if "reply_scope" in clauses:
        by = "of bots and humans 智能客服+人工客服" if row["reply_scope"] == "bot_and_human" else "of humans only 仅人工客服"
        lines.append(("replies 回复", f"{by}{clauses.cite('reply_scope')}"))
    if row["target"] is not None:
        lines.append(("target 目标", f"reply within {whole_seconds(row['target'])}{clauses.cite('response_target_seconds')}"))
    return lines


def count(row: Row) -> str:
    """Whether a round counts, and as what."""
    how = "" if row["target"] is None else f": as {'' if row['is_on_time'] else 'not '}answered in time"
    if row["is_counted"]:
        return f"Counts 计入考核{how}"
    return f"Does not count 不计入考核, for {number(len(row['exclusion_reasons']), 'reason')}:"


@dataclass(frozen=True)
class Story:
    """A round with its conversation. RowsChangedError by clock, first_message or reply: the landed rows no longer hold it."""

    round: Row
    conversation: Sequence[Happening]
    clauses: Clauses
    others: Sequence[Row] = ()  # the other rounds of the conversation, in order

    def happening(self, item_id: str, kinds: str) -> Happening:
        for one in self.conversation:
            if one.id == item_id and one.kind and one.kind in kinds:
                return one
        raise RowsChangedError(item_id)

    @property
    def clock(self) -> Happening:
        kind, item_id = self.round["round_id"].removeprefix(f"{self.round['platform']}-").split("-", 1)
        return self.happening(item_id, kind)

    @property
    def first_message(self) -> Happening:
        return self.happening(self.round["first_message_id"], "Q")

    @property
    def reply(self) -> Happening | None:
        return self.happening(self.round["first_reply_id"], "RB") if self.round["first_reply_id"] else None

    @property
    def before(self) -> Row | None:
        """The round before on that day; where accounts answer for themselves, that account's."""
        row, start, before = self.round, self.clock, None
        for one in self.others:
            is_own = row["round_scope"] != "account" or one["account_id"] == start.account_id
            if is_own and one["business_date"] == row["business_date"] and one["clock_started_at"] < start.at:
                before = one
        return before

    @cached_property
    def _marks(self) -> dict[tuple[int, str], Happening | None]:
        marks: dict[tuple[int, str], Happening | None] = {}
        last: Happening | None = None
        for one in self.conversation:
            is_near = last is not None and last.at >= one.at - self.round["routing_lookback"]
            marks[one.rank, one.id] = last if is_near else None
            last = one if one.kind in ("R", "H", "N") else last
        return marks

    def since(self, question: Happening) -> Happening | None:
        """What said last, before a question, whether a human was on the conversation."""
        return self._marks[question.rank, question.id]

    def waits(self, question: Happening) -> bool:
        since = self.since(question)
        return since is not None and since.kind == "N"

    def time(self, at: datetime) -> str:
        return clock(at, self.round["business_date"])

    def entries(self) -> list[Entry]:
        since, platform = self.since(self.first_message), self.round["platform"]
        marks = [("first question", self.first_message), ("clock", self.clock), ("reply", self.reply)]
        clocks = {row["round_id"] for row in [self.round, *self.others]}
        told = []
        for one in self.conversation:
            mark = " + ".join(name for name, marked in marks if one is marked)
            more = ", takes over what waited" if f"{platform}-H-{one.id}" in clocks and one.kind == "H" else ""
            if one.kind == "Q" and self.waits(one):
                more = ", waits for a human"
            told.append(one.entry(mark, matters=bool(mark) or one is since, more=more))
        return told

    def opening(self) -> list[str]:
        cite, start, first = self.clauses.cite, self.clock, self.first_message
        at, to = self.time(start.at), start.account_id or "the shop"
        if start.kind == "H":
            return [
                f"The hand-over to {to} at {at}: it takes over what {self.round['customer_id']} asked at {self.time(first.at)}.",
                self._waited(first),
                f"So the clock starts at the hand-over, not at the question{cite('hand_over', 'routing_lookback_days')}.",
                self._nothing_open(),
            ]
        if not self.waits(start):
            return [f"The question at {at} to {to}.", self._nothing_open(), self._human_there(start)]
        why = "no human took it over" if self.reply is None else "a reply came without a hand-over"
        if self.reply is not None and self.reply.kind == "B":
            why = f"the {self.reply.author} answered it first"
        return [f"The question at {at}.", self._waited(start), f"The clock stays at the question: {why}."]

    def _waited(self, question: Happening) -> str:
        since = self.since(question)
        when = f"since {self.time(since.at)} " if since else ""
        return f"It had to wait: {when}no human was on the conversation{self.clauses.cite('routing_lookback_days')}."

    def _nothing_open(self) -> str:
        before, whose = self.before, (self.clock.account_id if self.round["round_scope"] == "account" else None) or "the shop"
        if before is None:
            return f"Nothing asked of {whose} earlier that day was still open."
        replied_at = before["first_reply_at"]
        if replied_at is not None and replied_at <= self.clock.at:
            return f"What was asked of {whose} before was answered at {self.time(replied_at)} ({before['round_id']})."
        return (
            f"What was asked of {whose} at {self.time(before['clock_started_at'])} belongs to another round "
            f"({before['round_id']}): each part of the day, and what waits for a human, has its own rounds."
        )

    def _human_there(self, start: Happening) -> str:
        since, days = self.since(start), self.round["routing_lookback"].days
        if self.round["reply_scope"] == "bot_and_human" or not days:
            why = f"nobody waited for a human{self.clauses.cite('routing_lookback_days')}"
        elif since:
            why = f"a human was on the conversation since {self.time(since.at)} ({since.words})"
        else:
            why = f"no routing event of the {days} days before took the conversation from humans"
        return f"The clock starts at the question{self.clauses.cite('round_scope')}: {why}."

    def answer(self) -> list[str]:
        reply, row = self.reply, self.round
        if reply is not None:
            by = " ".join(part for part in ("the", reply.author, reply.account_id) if part)
            return [f"{self.time(reply.at)} by {by}, after {duration(reply.at - self.clock.at)}.", *self._on_time(reply)]
        is_of_account = row["round_scope"] == "account" and (self.clock.kind == "H" or not self.waits(self.clock))
        told = [
            f"No valid reply{f' of {self.clock.account_id}' if is_of_account else ''} "
            f"within {row['horizon_hours']} h, until {moment(row['ends_at'])}.",
            *(self._others_replied() if is_of_account else []),
        ]
        if row["as_of"] is not None and row["as_of"] < row["ends_at"]:
            told.append(f"Data has landed up to {moment(row['as_of'])} only: a reply may still come.")
        return told

    def _on_time(self, reply: Happening) -> list[str]:
        if self.round["target"] is None:
            return []
        is_on_time, target = self.round["is_on_time"], whole_seconds(self.round["target"])
        within = f"within {target}{self.clauses.cite('response_target_seconds')}"
        if reply.kind == "B":
            return [f"It came {'' if is_on_time else 'not '}{within}, but it is no valid reply."]
        return [f"On time 及时: {within}." if is_on_time else f"Late 超时: not {within}."]

    def _others_replied(self) -> list[str]:
        start, own = self.clock, self.clauses.cite("own_rounds", "round_scope")
        told = [
            f"{one.account_id} replied at {self.time(one.at)}, but every account answers for itself{own}."
            for one in self.conversation[self.conversation.index(start) + 1 :]
            if one.kind == "R" and one.account_id != start.account_id and one.at <= self.round["ends_at"]
        ]
        return told[:1]
