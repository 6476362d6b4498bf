"""The round (rules, section 0.1): one walk, item by item, over one conversation.

Every bound is inclusive: an item exactly `lookback_days` old is still seen, a reply exactly `horizon_hours` after the
clock start is still a reply. The assessment window itself is half-open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

Kind = Literal["Q", "R", "B", "H", "N"]

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Item:
    """A message or routing event that matters for rounds; rank: routing 0, inbound 1, outbound 2."""

    conversation_id: str
    account_id: str | None
    item_at: datetime
    rank: int
    item_id: str
    kind: Kind

    @property
    def order(self) -> tuple[datetime, int, str]:
        return (self.item_at, self.rank, self.item_id)


@dataclass(frozen=True)
class RoundRules:
    """One rule version; the window is in seconds after midnight, 86400 = the end of the day."""

    window_start_s: float
    window_end_s: float
    scope: Literal["account", "conversation"]
    lookback_days: float = 3
    horizon_hours: float = 24

    @property
    def lookback(self) -> timedelta:
        return timedelta(days=self.lookback_days)

    @property
    def horizon(self) -> timedelta:
        return timedelta(hours=self.horizon_hours)

    def segment(self, at: datetime) -> tuple[date, int]:
        """Business date, and 0 before, 1 in, 2 after the window."""
        since_midnight = at - datetime.combine(at.date(), datetime.min.time())
        if since_midnight < timedelta(seconds=self.window_start_s):
            return (at.date(), 0)
        if since_midnight < timedelta(seconds=self.window_end_s):
            return (at.date(), 1)
        return (at.date(), 2)


@dataclass(frozen=True)
class Round:
    """A round; `clock_item_id` is the Q or H its clock starts at, `first_message_id` the question it is about."""

    conversation_id: str
    clock_item_id: str
    clock_kind: Kind
    clock_started_at: datetime
    first_message_id: str
    first_message_at: datetime
    first_reply_id: str | None
    first_reply_at: datetime | None
    reply_kind: Kind | None
    account_id: str | None
    opening_account_id: str | None
    business_date: date
    in_window: bool
    was_waiting_unrouted: bool


@dataclass
class _Run:
    """An unbroken run of waiting questions, and the first B, R or H after its first question."""

    questions: list[Item]
    next_item: Item | None = None
    is_taken_by_next: bool = False

    @property
    def first(self) -> Item:
        return self.questions[0]


@dataclass
class _Open:
    """A round that has been opened; its reply is found later, if ever."""

    clock: Item
    first_message: Item
    account_of_latest_handover: str | None
    reply: Item | None = None
    is_unrouted: bool = False


@dataclass
class _List:
    """The list of rule 1 of one account (or of the conversation): where it stands in the current segment."""

    segment: tuple[date, int] | None = None
    last_kind: Kind | None = None
    unanswered: list[_Open] = field(default_factory=list)

    def enter(self, item: Item, segment: tuple[date, int]) -> bool:
        """Put an item on the list; true if a question or hand-over there would open a round."""
        opens = self.segment != segment or self.last_kind in (None, "R")
        self.segment, self.last_kind = segment, item.kind
        return opens


class _Walk:
    """The state of the walk over one conversation."""

    def __init__(self, rules: RoundRules) -> None:
        self.rules = rules
        self.router: Item | None = None  # the latest H, N or R: it says the phase
        self.handover: Item | None = None  # the latest H
        self.previous: Item | None = None  # the latest Q, B, R or H
        self.run_of_previous: _Run | None = None  # its run, when it is a waiting question
        self.runs: list[tuple[_Run, str | None]] = []  # with the account of the latest hand-over before
        self.lists: dict[str | None, _List] = {}
        self.opened: list[_Open] = []

    def within_lookback(self, earlier: Item | None, item: Item) -> bool:
        return earlier is not None and item.item_at - earlier.item_at <= self.rules.lookback

    def is_waiting(self, item: Item) -> bool:
        """Phase of an item that is not itself an R; `human` where nothing recent says otherwise."""
        return self.router is not None and self.router.kind == "N" and self.within_lookback(self.router, item)

    def handover_account(self, item: Item) -> str | None:
        """Account of the latest hand-over before the item, within the look-back."""
        if self.handover is not None and self.within_lookback(self.handover, item):
            return self.handover.account_id
        return None

    def run_right_before(self, item: Item) -> _Run | None:
        """The waiting run whose question comes right before the item, if one does."""
        return self.run_of_previous if self.within_lookback(self.previous, item) else None

    def step(self, item: Item) -> None:
        if item.kind == "N":
            self.router = item
            return
        run = self.run_right_before(item)
        run_of_item: _Run | None = None
        if item.kind == "Q":
            if self.is_waiting(item):
                run_of_item = self.wait(item, run)
            else:
                self.listed(item, item)
        else:
            self.end_waiting(item, run)
            if item.kind == "R":
                self.answer(item)
            elif item.kind == "H" and run is not None:
                recent = [question for question in run.questions if self.within_lookback(question, item)]
                self.listed(item, recent[0])
        if item.kind in ("H", "R"):
            self.router = item
        if item.kind == "H":
            self.handover = item
        self.previous, self.run_of_previous = item, run_of_item

    def wait(self, question: Item, run: _Run | None) -> _Run:
        """A waiting question joins the run right before it or begins one (rule 2)."""
        if run is None:
            run = _Run([question])
            self.runs.append((run, self.handover_account(question)))
        else:
            run.questions.append(question)
        return run

    def end_waiting(self, item: Item, run_right_before: _Run | None) -> None:
        """A B, R or H: what becomes of the runs that have seen none yet (rule 2)."""
        for run, _ in self.runs:
            if run.next_item is None:
                run.next_item = item
                run.is_taken_by_next = item.kind == "H" and run is run_right_before

    def list_of(self, item: Item) -> _List:
        key = item.account_id if self.rules.scope == "account" else None
        return self.lists.setdefault(key, _List())

    def listed(self, item: Item, first_message: Item) -> None:
        """A question to a human, or an H that takes over a waiting one: opens a round or not (rules 1 and 3)."""
        items = self.list_of(item)
        if items.enter(item, self.rules.segment(item.item_at)):
            opened = _Open(item, first_message, self.handover_account(item))
            items.unanswered.append(opened)
            self.opened.append(opened)

    def answer(self, reply: Item) -> None:
        """A valid reply answers every open round of its list that is not too old (rule 4)."""
        items = self.list_of(reply)
        items.enter(reply, self.rules.segment(reply.item_at))
        for opened in items.unanswered:
            if reply.item_at - opened.clock.item_at <= self.rules.horizon:
                opened.reply = reply
        items.unanswered = []

    def waiting_rounds(self) -> list[_Open]:
        """The rounds of the waiting runs (rule 2)."""
        rounds: list[_Open] = []
        for run, account in self.runs:
            opened = _Open(run.first, run.first, account)
            after = run.next_item
            if after is not None and after.item_at - run.first.item_at > self.rules.horizon:
                after = None
            if after is None or after.kind == "H":
                if after is not None and run.is_taken_by_next:
                    continue
                opened.is_unrouted = True
            else:
                opened.reply = after
            rounds.append(opened)
        return rounds


def _finish(opened: _Open, rules: RoundRules) -> Round:
    clock, reply = opened.clock, opened.reply
    if reply is not None:
        account = reply.account_id
    elif clock.account_id is not None:
        account = clock.account_id
    else:
        account = opened.account_of_latest_handover
    business_date, segment = rules.segment(clock.item_at)
    return Round(
        conversation_id=clock.conversation_id,
        clock_item_id=clock.item_id,
        clock_kind=clock.kind,
        clock_started_at=clock.item_at,
        first_message_id=opened.first_message.item_id,
        first_message_at=opened.first_message.item_at,
        first_reply_id=reply.item_id if reply else None,
        first_reply_at=reply.item_at if reply else None,
        reply_kind=reply.kind if reply else None,
        account_id=account,
        opening_account_id=clock.account_id,
        business_date=business_date,
        in_window=segment == 1,
        was_waiting_unrouted=opened.is_unrouted,
    )


def find_rounds(items: Iterable[Item], rules: RoundRules) -> list[Round]:
    """All rounds of one conversation under one rule version, in order of their clock start.

    With several versions call it once per version with the same items and keep the rounds whose `business_date` lies in
    the version. For rules without a phase `waiting`, leave out the H and N and pass every bot reply as an R.
    """
    ordered = sorted(items, key=lambda item: item.order)
    if len({item.conversation_id for item in ordered}) > 1:
        raise ValueError("find_rounds takes the items of one conversation")
    walk = _Walk(rules)
    for item in ordered:
        walk.step(item)
    found = sorted(walk.opened + walk.waiting_rounds(), key=lambda opened: opened.clock.order)
    return [_finish(opened, rules) for opened in found]
