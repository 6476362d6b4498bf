"""A round (轮次) told in words, the same for all platforms: what opened it, where its clock starts, what answered it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from orchestration.explain.text import Entry, clock, duration, hour, moment, whole_seconds

SHOP = "the shop"


class RowsChangedError(Exception):
    """A round's own messages or events are no longer what they were when it was computed."""


@dataclass(frozen=True)
class Round:
    round_id: str
    clock_kind: str  # Q: the clock starts at a question, H: at a hand-over
    clock_id: str
    customer_id: str
    account_id: str | None
    business_date: date
    first_message_id: str
    first_message_at: datetime
    clock_started_at: datetime
    reply_id: str | None
    reply_at: datetime | None
    is_counted: bool
    is_on_time: bool
    reasons: Sequence[str]

    @property
    def elapsed(self) -> timedelta | None:
        return self.reply_at - self.clock_started_at if self.reply_at else None


@dataclass(frozen=True)
class Rules:
    """What of the rules in force on the round's date is needed to tell it."""

    rule_version: str
    valid_from: date
    valid_to: date
    window_start: timedelta
    window_end: timedelta
    target: timedelta
    lookback: timedelta
    horizon: timedelta
    round_scope: str
    does_anyone_wait: bool = True  # False: whether a human is on the conversation does not matter

    @property
    def in_force(self) -> str:
        since = f"since {self.valid_from}" if self.valid_from.year > 1 else "from the beginning"
        return since + (f" until {self.valid_to}" if self.valid_to.year < 9999 else "")

    @property
    def window(self) -> str:
        return f"{hour(self.window_start)}–{hour(self.window_end)}"

    def segment(self, at: datetime) -> tuple[date, str]:
        """The date, and whether a time is before, in or after its assessment window: rounds are kept apart by this."""
        since_midnight = at - datetime.combine(at.date(), datetime.min.time())
        if since_midnight < self.window_start:
            return at.date(), "before"
        return at.date(), "in" if since_midnight < self.window_end else "after"


@dataclass(frozen=True)
class Clauses:
    """The platform's clause ids for what every round is told by."""

    clock: str
    target: str
    hand_over: str
    waiting: str
    own_rounds: str  # every account answers for itself
    bot: str = "full-auto bot"  # what is called what answers on its own


@dataclass(frozen=True)
class Happening:
    """A message or routing event. kind: Q, R, B, H, N of the rules, or None where it is nothing to a round."""

    at: datetime
    rank: int  # 0 routing event, 1 inbound, 2 outbound: their order at the same time
    id: str
    kind: str | None
    account_id: str | None
    who: str
    words: str  # what it is to a round
    what: str  # its type and content
    author: str = ""


@dataclass(frozen=True, eq=False)
class Step:
    """A happening with what the ones before make of it."""

    of: Happening
    since: Step | None  # the latest R, H or N before it within the look-back
    is_waiting: bool  # a question while no human is on the conversation
    takes_over: bool  # a hand-over right after such a question

    @property
    def words(self) -> str:
        if self.is_waiting:
            return f"{self.of.words}, waits for a human"
        return f"{self.of.words}, takes over what waited" if self.takes_over else self.of.words


def steps(happenings: Iterable[Happening], lookback: timedelta) -> list[Step]:
    """The conversation in order, each question and hand-over with its phase."""
    result: list[Step] = []
    mark: Step | None = None
    before: Step | None = None
    for happening in sorted(happenings, key=lambda h: (h.at, h.rank, h.id)):
        oldest = happening.at - lookback
        since = mark if mark and mark.of.at >= oldest else None
        step = Step(
            happening,
            since,
            is_waiting=happening.kind == "Q" and since is not None and since.of.kind == "N",
            takes_over=happening.kind == "H" and before is not None and before.is_waiting and before.of.at >= oldest,
        )
        result.append(step)
        if happening.kind in ("R", "H", "N"):
            mark = step
        if happening.kind in ("Q", "R", "B", "H"):
            before = step
    return result


def turn_before(conversation: Sequence[Step], start: Step, scope: str) -> Step | None:
    """What came right before among the questions to a human, their replies and take-overs; with scope account, that account's."""
    for step in reversed(conversation[: conversation.index(start)]):
        is_turn = step.of.kind == "R" or step.takes_over or (step.of.kind == "Q" and not step.is_waiting)
        if is_turn and (scope != "account" or step.of.account_id == start.of.account_id):
            return step
    return None


@dataclass(frozen=True)
class Story:
    """A round with its conversation. RowsChangedError by clock, first_message or reply: the landed rows no longer hold it."""

    round: Round
    rules: Rules
    clauses: Clauses
    conversation: Sequence[Step]
    as_of: datetime | None

    def step(self, item_id: str, *kinds: str) -> Step:
        for step in self.conversation:
            if step.of.id == item_id and step.of.kind in kinds:
                return step
        raise RowsChangedError(item_id)

    @property
    def clock(self) -> Step:
        return self.step(self.round.clock_id, self.round.clock_kind)

    @property
    def first_message(self) -> Step:
        return self.step(self.round.first_message_id, "Q")

    @property
    def reply(self) -> Step | None:
        return self.step(self.round.reply_id, "R", "B") if self.round.reply_id else None

    @property
    def ends_at(self) -> datetime:
        """Up to when a reply would have been one to this round."""
        return self.round.clock_started_at + self.rules.horizon

    def time(self, at: datetime) -> str:
        return clock(at, self.round.business_date)

    def entries(self) -> list[Entry]:
        following = self.conversation[self.conversation.index(self.clock) + 1 :]
        matters: list[Step | None] = [
            self.first_message,
            self.first_message.since,
            self.clock,
            self.clock.since,
            turn_before(self.conversation, self.clock, self.rules.round_scope),
            self.reply,
            next((step for step in following if step.of.kind in ("R", "B", "H", "N")), None),
        ]
        marks = [("first question", self.first_message), ("clock", self.clock), ("reply", self.reply)]
        return [
            Entry(
                step.of.at,
                step.of.who,
                step.words,
                step.of.what,
                mark=" + ".join(name for name, marked in marks if step is marked),
                matters=any(step is one for one in matters),
            )
            for step in self.conversation
        ]

    def opening(self) -> list[str]:
        start, first = self.clock, self.first_message
        at, to = self.time(start.of.at), start.of.account_id or SHOP
        asked = to if self.rules.round_scope == "account" else SHOP  # of whom the round is asked
        if start.of.kind == "H":
            return [
                f"The hand-over to {to} at {at}: it takes over what {self.round.customer_id} asked at {self.time(first.of.at)}.",
                self._waited(first),
                f"So the clock starts at the hand-over, not at the question ({self.clauses.hand_over}).",
                self._nothing_open(start, asked),
            ]
        if start.is_waiting:
            return [f"The question at {at}.", self._waited(start), f"The clock stays at the question: {self._not_taken_over()}."]
        return [f"The question at {at} to {to}.", self._nothing_open(start, asked), self._human_there(start)]

    def _waited(self, question: Step) -> str:
        since = question.since
        reason = (
            f"since {self.time(since.of.at)} no human was on the conversation" if since else "no human was on the conversation"
        )
        return f"It had to wait: {reason} ({self.clauses.waiting})."

    def _not_taken_over(self) -> str:
        if self.reply is None:
            return "no human took it over"
        return f"a {self.clauses.bot} answered it first" if self.reply.of.kind == "B" else "a reply came without a hand-over"

    def _nothing_open(self, start: Step, to: str) -> str:
        before = turn_before(self.conversation, start, self.rules.round_scope)
        if before is None or before.of.at.date() != start.of.at.date():
            return f"Nothing asked of {to} earlier that day was still open."
        if before.of.kind == "R":
            whoever = "The shop" if to == SHOP else to
            return f"{whoever} had answered what was asked before, last at {self.time(before.of.at)}."
        segment = self.rules.segment(before.of.at)[1]
        return (
            f"What was asked of {to} at {self.time(before.of.at)} belongs to another round: it lies {segment} the window "
            f"{self.rules.window}, and each part of the day has its own rounds."
        )

    def _human_there(self, start: Step) -> str:
        if not self.rules.does_anyone_wait:
            return f"The clock starts at the question ({self.clauses.clock}): nobody waited for a human ({self.clauses.waiting})."
        days = self.rules.lookback.days
        why = (
            f"a human was on the conversation since {self.time(start.since.of.at)} ({start.since.words})"
            if start.since
            else f"no routing event of the {days} days before took the conversation from humans"
        )
        return f"The clock starts at the question ({self.clauses.clock}): {why}."

    def answer(self) -> list[str]:
        reply, elapsed = self.reply, self.round.elapsed
        if reply is not None and elapsed is not None:
            by = " ".join(
                filter(None, ["the", reply.of.author, reply.of.account_id] if reply.of.author else [reply.of.account_id])
            )
            return [f"{self.time(reply.of.at)} by {by}, after {duration(elapsed)}.", self._on_time(reply)]
        whose = f" of {self.clock.of.account_id}" if self._is_of_account() else ""
        hours = self.rules.horizon // timedelta(hours=1)
        return [
            f"No valid reply{whose} within {hours} h, until {moment(self.ends_at)}.",
            *self._others_replied(),
            *self._open_end(),
        ]

    def _is_of_account(self) -> bool:
        return self.rules.round_scope == "account" and not self.clock.is_waiting

    def _on_time(self, reply: Step) -> str:
        target = f"{whole_seconds(self.rules.target)} ({self.clauses.target})"
        if reply.of.kind == "B":
            return f"It came {'' if self.round.is_on_time else 'not '}within {target}, but it is no valid reply."
        return f"On time 及时: within {target}." if self.round.is_on_time else f"Late 超时: not within {target}."

    def _others_replied(self) -> list[str]:
        if not self._is_of_account():
            return []
        start = self.clock.of
        for step in self.conversation[self.conversation.index(self.clock) + 1 :]:
            if step.of.kind == "R" and step.of.account_id != start.account_id and step.of.at <= self.ends_at:
                at = self.time(step.of.at)
                return [
                    f"{step.of.account_id} replied at {at}, but every account answers for itself ({self.clauses.own_rounds})."
                ]
        return []

    def _open_end(self) -> list[str]:
        if self.as_of is None or self.as_of >= self.ends_at:
            return []
        return [f"Data has landed up to {moment(self.as_of)} only: a reply may still come."]


def count(round_: Round) -> str:
    if round_.is_counted:
        return "Counts 计入考核: " + ("as answered in time" if round_.is_on_time else "as not answered in time")
    number = len(round_.reasons)
    return f"Does not count 不计入考核, for {number} reason{'s' if number > 1 else ''}:"


def waits(story: Story) -> list[str]:
    since = story.clock.since
    return [f"since {moment(since.of.at)}: {since.words}"] if since else []
