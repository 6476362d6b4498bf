"""Writes the sample's next day line by line as it happens, at a clock that may run faster.

`make live` has the demo's next day written so, and `kefu live` show it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import merge
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from orchestration.errors import KefuError
from orchestration.home import PRIVATE
from orchestration.landing.contract import Table, contract
from orchestration.language import localized
from orchestration.sample.generate import MARK, Batch, Request, check, deliver
from orchestration.sample.profiles import profiles

OPENS_AT = timedelta(hours=9)  # when the day begins to run; what happened before is there at once
SECONDS_BETWEEN_LINES = 0.1  # in which what happened is written together

Report = Callable[[str], None]
Line = tuple[datetime, str, str]  # when it happens, the file that it is added to, the line


def generate_live(request: Request, *, speed: float, report: Report) -> None:
    """Adds the day after those of the request to its landing folder, until that day is over."""
    check(request)
    request.landing.mkdir(parents=True, exist_ok=True)
    (request.landing / MARK).touch()
    day = request.start + timedelta(days=request.days)
    begins_at = beginning(request)
    with TemporaryDirectory() as folder:
        aside = replace(request, landing=Path(folder), days=request.days + 1, file_format="jsonl")
        for profile in profiles():
            deliver(aside, Batch(profile, (day + timedelta(days=1),)))
        tables = [table for table in contract().values() if (aside.landing / table.label).exists()]
        files = {table.label: request.landing / table.label / f"dt={day}" / "live.jsonl" for table in tables}
        lines = merge(*(_lines(aside.landing, table, begins_at) for table in tables))
        _write(lines, files, begins_at, speed, report)


def beginning(request: Request) -> datetime:
    """From when on the day after those of the request runs."""
    return datetime.combine(request.start + timedelta(days=request.days), datetime.min.time()) + OPENS_AT


def _lines(landing: Path, table: Table, begins_at: datetime) -> Iterator[Line]:
    """The rows of a table in the order in which they happen; those without a time are there from the beginning."""
    rows: list[Line] = []
    for path in (landing / table.label).glob("dt=*/*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            at: Any = json.loads(line).get(table.occurrence) if table.occurrence else None
            rows.append((datetime.fromisoformat(at) if at else begins_at, table.label, line))
    return iter(sorted(rows))


def _write(lines: Iterator[Line], files: dict[str, Path], begins_at: datetime, speed: float, report: Report) -> None:
    with ExitStack() as stack:
        opened: dict[str, TextIO] = {}
        for label, path in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            opened[label] = stack.enter_context(open(path, "w", encoding="utf-8"))
        report(f"generate: {begins_at} begins, {speed:g} times as fast as time")
        started, next_line = time.monotonic(), next(lines, None)
        while next_line:
            now = begins_at + timedelta(seconds=(time.monotonic() - started) * speed)
            while next_line and next_line[0] <= now:
                opened[next_line[1]].write(next_line[2] + "\n")
                next_line = next(lines, None)
            for file in opened.values():
                file.flush()
            time.sleep(SECONDS_BETWEEN_LINES)
    report(f"generate: {begins_at.date()} is over")


def main() -> int:
    from orchestration.live.watch import watch
    from orchestration.sample.demo import SAMPLE

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--speed", type=float, required=True)
    options = parser.parse_args()
    os.umask(PRIVATE)
    request = Request(options.landing, **SAMPLE)

    def report(line: str) -> None:
        print(localized(line), flush=True)

    writer = threading.Thread(
        target=generate_live, args=(request,), kwargs={"speed": options.speed, "report": report}, daemon=True
    )
    try:
        writer.start()
        watch(
            options.landing, options.home, every=1, at=beginning(request), speed=options.speed, report=report, port=options.port
        )
    except KeyboardInterrupt:
        pass
    except KefuError as error:
        print(f"kefu: {localized(str(error))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
