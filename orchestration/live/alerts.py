"""What a moment gives reason to tell (V-01, V-02, V-04), each once, and the thread that sends it: renewing waits for no robot."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb

from orchestration.alerts.alert import Alert, Kind
from orchestration.alerts.outbox import Outbox
from orchestration.alerts.transports import Transport, transports_from
from orchestration.landing.contract import platform_name, settings
from orchestration.language import _
from orchestration.live.moment import rows

Report = Callable[[str], None]
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 300.0  # before what was not taken is sent again

# Rounds that count as far as anybody can know, while the shop's window is open. V-01.
WAITING = """
    select platform, shop_id, account, conversation_id, clock_started_at, waiting_seconds, answer_due_at, state
    from {rounds}
    where
        state in ('at_risk', 'missed')
        and is_in_window
        and is_window_open
        and counts_so_far
    order by platform, shop_id, clock_started_at
"""
BAD = "select * from {ratings} order by platform, shop_id, rated_at"
SPARE = "select * from {warnings} order by shop_id, streak_id"


def found(connection: duckdb.DuckDBPyConnection) -> list[Alert]:
    """Every reason there is at the moment, told or not, with ids as readers see them: what can still be saved comes first."""
    waiting = [(row["state"], _waiting(row)) for row in rows(connection, WAITING)]
    return [
        *(alert for state, alert in waiting if state == "at_risk"),
        *(_bad(row) for row in rows(connection, BAD)),
        *(_spare(row) for row in rows(connection, SPARE)),
        *(alert for state, alert in waiting if state == "missed"),
    ]


def _waiting(row: Mapping[str, Any]) -> Alert:
    kind = Kind.AT_RISK if row["state"] == "at_risk" else Kind.MISSED
    return Alert(
        f"{kind}/{row['platform']}/{row['conversation_id']}/{row['clock_started_at']}",
        kind,
        _("{platform} {shop} {account}: waits {minutes} since {since}, due {due} ({conversation})").format_map(
            {
                **_who(row),
                "minutes": f"{int(row['waiting_seconds']) // 60}:{int(row['waiting_seconds']) % 60:02}",
                "since": f"{row['clock_started_at']:%H:%M:%S}",
                "due": f"{row['answer_due_at']:%H:%M:%S}",
                "conversation": row["conversation_id"],
            }
        ),
    )


def _bad(row: Mapping[str, Any]) -> Alert:
    what = f"{row['rated_kind']} {row['card_id']}"
    rated = {"what": what, "value": row["value"], "at": f"{row['rated_at']:%m-%d %H:%M}"}
    left = ""
    if row["editable_until"]:
        left = _("; can be changed until {until}, {edits} changes left").format(
            until=f"{row['editable_until']:%m-%d %H:%M}", edits=row["edits_left"]
        )
    # The cause is that of the alert from the marts: the next day does not tell it again.
    text = _("{platform} {shop} {account}: {what} rated {value} at {at}").format_map({**_who(row), **rated}) + left
    return Alert(f"{Kind.RATING}/{row['platform']}/{what}", Kind.RATING, text)


def _spare(row: Mapping[str, Any]) -> Alert:
    text = _("{shop}: {count} messages in a row to {buyer}; one more brings up the prompt to refuse messages").format(
        shop=row["shop_id"], buyer=row["buyer_id"], count=row["counted_messages"]
    )
    return Alert(f"{Kind.SPARE}/{row['streak_id']}", Kind.SPARE, text)


def _who(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"platform": platform_name(row["platform"]), "shop": row["shop_id"], "account": row["account"] or _("nobody")}


class Teller:
    """Tells what is new through the transports of the environment: at most so many a minute, the rest is counted."""

    def __init__(self, outbox: Outbox, report: Report) -> None:
        self.outbox = outbox
        self.report = report
        self.transports: Sequence[Transport] = transports_from(os.environ)
        self.waiting: queue.SimpleQueue[Sequence[Alert]] = queue.SimpleQueue()
        self.told_at: deque[float] = deque()  # of the last minute, by the clock that nobody sets
        self.failure: str | None = None
        self.is_apart = False

    def start(self) -> None:
        """Sends from a thread of its own from here on, which ends with the process."""
        self.is_apart = True
        threading.Thread(target=self._go_on, name="alerts", daemon=True).start()

    def take(self, alerts: Sequence[Alert]) -> None:
        """Sends these, or has the thread send them."""
        if self.is_apart:
            self.waiting.put(alerts)
        else:
            self.tell(alerts)

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Sends what is new of these, and what was not taken before."""
        now = time.monotonic()
        while self.told_at and self.told_at[0] <= now - 60:
            self.told_at.popleft()
        new = self.outbox.new(alerts)
        room = max(0, int(settings()["live_alerts_per_minute"]) - len(self.told_at))
        told, held = new[:room], new[room:]
        self.told_at.extend([now] * len(told))
        if held:
            self.outbox.hold(held, self.transports)
            text = _("and {count} more, held back: too many in a minute").format(count=len(held))
            told = [*told, Alert(f"held/{held[0].cause}", held[0].kind, text)]
        failures = self.outbox.tell(told, self.transports)
        failure = "; ".join(failures) or None
        if failure and failure != self.failure:
            self.report(f"live: not told: {failure}; tried again with growing pauses")
        self.failure = failure

    def _go_on(self) -> None:
        pause, alerts = SHORTEST_PAUSE_SECONDS, dict[str, Alert]()
        while True:
            try:
                for each in [*self._next(pause if self.failure else None)]:
                    alerts[each.cause] = each
                self.tell(list(alerts.values()))
                alerts.clear()
            except Exception as error:  # a disk that is full, say: what is to be told waits
                self.failure = str(error)
                self.report(f"live: alerts: {error}; tried again")
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS) if self.failure else SHORTEST_PAUSE_SECONDS

    def _next(self, pause: float | None) -> Sequence[Alert]:
        """Everything that came since, after a pause, or once something comes."""
        found: list[Alert] = []
        if pause is None:
            found += self.waiting.get()
        else:
            time.sleep(pause)
        while not self.waiting.empty():
            found += self.waiting.get()
        return found
