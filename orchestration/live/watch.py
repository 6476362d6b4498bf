"""`kefu live`: lands what comes, looks at the moment, writes HOME/live.duckdb, tells what is new, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from orchestration.alerts.outbox import Outbox
from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import Home, first_line, open_home, scratch
from orchestration.landing.contract import contract
from orchestration.landing.deliveries import Delivery, find_deliveries
from orchestration.landing.load import NotAllLandedError, land, not_landed
from orchestration.live import moment
from orchestration.live.alerts import Teller, found
from orchestration.live.page import Page
from orchestration.live.past import alone, connected, open_past
from orchestration.live.standing import Standing
from orchestration.live.steps import Steps
from orchestration.live.tail import Part, Tail

Report = Callable[[str], None]


@dataclass(frozen=True)
class Clock:
    """Which moment it is: Beijing time, or a time that was given and runs on from there, faster where it is to."""

    began_at: datetime | None
    speed: float
    started: float = field(default_factory=time.monotonic)  # which nobody sets

    def now(self) -> datetime:
        if self.began_at is None:
            return beijing_now()
        return self.began_at + timedelta(seconds=(time.monotonic() - self.started) * self.speed)


def look_once(landing: Path, home_path: Path, at: datetime | None, report: Report) -> None:
    """Lands what is new and writes HOME/live.duckdb for one moment. KefuError names what cannot be read."""
    at = at or beijing_now()
    with opened_live(landing, home_path, at, report, waits=False) as live:
        live.land()
        live.look(at)
        states = dict(live.connection.execute("select state, count(*) from live.open_rounds group by state").fetchall())
        ((bad,),) = live.connection.execute("select count(*) from live.bad_ratings").fetchall()
        waiting = f"{sum(states.values()):,} wait, {states.get('missed', 0):,} of them too long"
        report(f"live: {live.home.live} is of {at:%Y-%m-%d %H:%M:%S}: {waiting}; {bad:,} bad ratings")


def watch(
    landing: Path,
    home_path: Path,
    *,
    every: float,
    at: datetime | None,
    speed: float,
    report: Report,
    port: int | None = None,
    path: Path | None = None,
) -> None:
    """Does so every so many seconds until it is told to end. What fails is told in a line, once, and tried again.

    Its page is served on a port of the loopback, or on a socket, where one is given.
    """
    with opened_live(landing, home_path, at or beijing_now(), report, waits=True) as live:
        if port or path:
            live.page = Page(speed)
            live.page.serve(port=port, path=path)
            report(f"live: the page is at {f'http://127.0.0.1:{port}/' if port else path}")
        report(f"live: {live.home.live} is renewed every {every:g} s")
        live.teller.start()
        failure: str | None = None
        clock: Clock | None = None
        while True:
            began, cpu_before = time.monotonic(), time.process_time()
            failures = [_failure(live.land)]
            clock = clock or Clock(at, speed)  # time begins to run once everything has landed
            failures.append(_failure(partial(live.look, clock.now())))
            failed = "; ".join(filter(None, failures))
            if failed and failed != failure:
                report(f"live: {failed}; tried again every {every:g} s")
            elif failure and not failed:
                report("live: goes on")
            failure = failed
            # A look that took more than one processor is followed by a rest, so that over time it is one at most.
            took, cpu_took = time.monotonic() - began, time.process_time() - cpu_before
            time.sleep(max(0.0, every - took, min(cpu_took - took, every)))


def _failure(step: Callable[[], None]) -> str | None:
    """What a step fails for, in a line; None where it does not."""
    try:
        step()
    except (KefuError, OSError, duckdb.Error) as error:
        return first_line(error)
    return None


@contextmanager
def opened_live(landing: Path, home_path: Path, at: datetime, report: Report, *, waits: bool) -> Iterator[Live]:
    """Opens the running day of a home, for a moment and what follows it."""
    home = open_home(home_path, apart_from=landing)
    with alone(home):
        past, steps = open_past(home, at, report)
        with connected(past) as connection:
            moment.look_up_to_the_moment(connection)
            yield Live(landing, home, connection, steps, Teller(Outbox(home.alerts), report), report, Tail(waits), past.temporary)


@dataclass
class Live:
    """The running day of a home."""

    landing: Path
    home: Home
    connection: duckdb.DuckDBPyConnection
    steps: Steps
    teller: Teller
    report: Report
    tail: Tail
    aside: Path
    page: Page | None = None
    standing: Standing = field(default_factory=Standing)
    told: set[str] = field(default_factory=set)

    def land(self) -> None:
        """Lands what is new, of files that grow what was added.

        Of a platform with a file that cannot be read nothing lands, which a KefuError tells once all else has landed.
        """
        new = not_landed(self.connection, find_deliveries(self.landing, contract()))
        errors: dict[str, str] = {}
        with scratch(self.aside) as folder:
            taken = [part for delivery in new if (part := self._take(delivery, folder))]
            for adds in (False, True):
                parts = [part for part in taken if part.adds == adds]
                try:
                    is_known = self.standing.before is not None  # then what changes is told apart from what stands
                    land(self.connection, parts, record_changes=is_known, report=self._report_landing, adds=adds)
                except NotAllLandedError as error:
                    errors |= error.errors
        for part in taken:
            if part.table.platform not in errors:
                self.tail.landed(part)
        if errors:
            raise NotAllLandedError(errors, [])

    def _take(self, delivery: Delivery, folder: str) -> Part | None:
        aside = Path(folder, *delivery.table.label.split("/"))
        aside.mkdir(parents=True, exist_ok=True)
        return self.tail.take(delivery, aside)

    def _report_landing(self, line: str) -> None:
        """Tells once what is wrong with rows. What lands as it should every few seconds is no news."""
        is_wrong = "rejected (" in line or " rejected: " in line or line.startswith("warning")
        if is_wrong and line not in self.told:
            self.told.add(line)
            self.report(line)

    def look(self, at: datetime) -> None:
        """Renews HOME/live.duckdb for a moment, and the page, and tells what is new."""
        moment.look_at(self.connection, self.steps, at, self.standing)
        moment.publish(self.connection, self.home, self.steps)
        if self.page:
            self.page.renew(self.connection, str(at))
        if self.teller.transports:
            self.teller.take(found(self.connection))
