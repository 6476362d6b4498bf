"""`kefu live`: lands what comes, looks at the moment, writes HOME/live.duckdb, tells what is new, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.alerts.alert import Alert
from orchestration.alerts.outbox import Outbox
from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import Home, first_line, one_writer, open_home
from orchestration.landing.contract import contract
from orchestration.landing.deliveries import find_deliveries
from orchestration.landing.load import land, not_landed
from orchestration.live import moment
from orchestration.live.alerts import Teller, found
from orchestration.live.page import Page
from orchestration.live.past import open_past
from orchestration.live.steps import Steps, load

Report = Callable[[str], None]


@dataclass(frozen=True)
class Clock:
    """Which moment it is: Beijing time, or a time that was given and runs on from there, faster where it is to."""

    began_at: datetime | None
    speed: float
    started: float

    def now(self) -> datetime:
        if self.began_at is None:
            return beijing_now()
        return self.began_at + timedelta(seconds=(time.monotonic() - self.started) * self.speed)


def look_once(landing: Path, home_path: Path, at: datetime | None, report: Report) -> None:
    """Lands what is new and writes HOME/live.duckdb for one moment. KefuError names what cannot be read."""
    with _opened(landing, home_path, report) as live:
        live.land()
        live.teller.tell(live.look(at or beijing_now()))


def watch(
    landing: Path,
    home_path: Path,
    *,
    every: float,
    clock: Clock,
    report: Report,
    port: int | None = None,
    path: Path | None = None,
) -> None:
    """Does so every so many seconds until it is told to end. What fails is told in a line, once, and tried again.

    Its page is served on a port of the loopback, or on a socket, where one is given.
    """
    with _opened(landing, home_path, report) as live:
        if port or path:
            live.page = Page(clock.speed)
            live.page.serve(port=port, path=path)
            report(f"live: the page is at {f'http://127.0.0.1:{port}/' if port else path}")
        report(f"live: {live.home.live} is renewed every {every:g} s")
        live.teller.start()
        failure = None
        while True:
            began = time.monotonic()
            try:
                live.land()
                live.teller.waiting.put(live.look(clock.now()))
                failed = None
            except (KefuError, OSError, duckdb.Error) as error:
                failed = first_line(error)
            if failed != failure:
                report(f"live: {failed}; tried again every {every:g} s" if failed else "live: goes on")
            failure = failed
            time.sleep(max(0.0, began + every - time.monotonic()))


@contextmanager
def _opened(landing: Path, home_path: Path, report: Report) -> Iterator[Live]:
    home = open_home(home_path, apart_from=landing)
    home.live_home.mkdir(exist_ok=True)
    with one_writer(open_home(home.live_home), wait_seconds=0):
        past = open_past(home, report)
        steps = load(past)
        with past.connect() as connection:
            moment.look_up_to_the_moment(connection)
            yield Live(landing, home, connection, steps, Teller(Outbox(home.alerts), report), report)


@dataclass
class Live:
    """The running day of a home."""

    landing: Path
    home: Home
    connection: duckdb.DuckDBPyConnection
    steps: Steps
    teller: Teller
    report: Report
    page: Page | None = None

    def land(self) -> None:
        """Lands what is new. Of a platform with a file that cannot be read nothing lands, which a KefuError tells."""
        inventory = find_deliveries(self.landing, contract())
        new = not_landed(self.connection, inventory)
        if new:
            land(self.connection, new, record_changes=False, report=self.report)

    def look(self, at: datetime) -> list[Alert]:
        """Renews HOME/live.duckdb for a moment. Returns what there is to tell."""
        moment.look_at(self.connection, self.steps, at)
        moment.publish(self.connection, self.home, self.steps)
        if self.page:
            self.page.renew(self.connection, str(at))
        return found(self.connection) if self.teller.transports else []
