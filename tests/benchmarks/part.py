"""A part of a build, or what readers do, as a process of its own that can be measured: land, publish, query."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

from orchestration.build.publish import publish
from orchestration.build.steps import land_deliveries
from orchestration.home import Home, one_writer, open_home

HERE = Path(__file__).parent


def land(landing: str, home: str) -> None:
    opened = open_home(Path(home), apart_from=Path(landing))
    with one_writer(opened):
        land_deliveries(opened, Path(landing), again=False, report=print)


def publish_again(home: str) -> None:
    opened = Home(Path(home).resolve())
    with one_writer(opened):
        print(f"kefu-{publish(opened, with_previous=True).number:06}")


def query(published: str) -> None:
    """Runs the analysts' queries and prints, as JSON, the seconds and rows of each."""
    seconds = {}
    with duckdb.connect(published, read_only=True) as connection:
        connection.execute("use marts")
        for title, sql in queries().items():
            started = time.perf_counter()
            rows = len(connection.execute(sql).fetchall())
            seconds[title] = (time.perf_counter() - started, rows)
    print(json.dumps(seconds))


def queries() -> dict[str, str]:
    """The queries by their titles, the line of comment above each."""
    statements = [part.strip() for part in (HERE / "queries.sql").read_text(encoding="utf-8").split(";") if part.strip()]
    return {statement.splitlines()[0].removeprefix("-- "): statement for statement in statements}


PARTS = {"land": land, "publish": publish_again, "query": query}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
