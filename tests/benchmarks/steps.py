"""The steps of a home's life, each a process of its own: landing, full build, a day on top, a day restated, and so on."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.measure import KEFU, Measured, measured
from orchestration.home import Home
from orchestration.sql import text

SNAPSHOTS = ("shops", "accounts", "audience_members")  # Taobao's tables that tell a state, not what happened
RESTATED_DAYS_AGO = 100


@dataclass(frozen=True)
class Step:
    """A step, what it took, what it said, and how large the home's two databases were after it."""

    name: str
    measured: Measured
    warehouse: int
    published: int


def part(*arguments: object) -> list[object]:
    return [sys.executable, "-m", "benchmarks.part", *arguments]


def build_of(landing: Path, home: Path, *more: object) -> list[object]:
    return [*KEFU, "build", "--landing", landing, "--home", home, *more]


def dts_of(source: Path) -> list[str]:
    return sorted({folder.name for folder in source.glob("taobao/messages/dt=*")})


def deliver(source: Path, landing: Path, dts: Sequence[str], platform: str = "*") -> None:
    """Delivers these dts by links, which take no room; what changes a file writes another in its place."""
    for dt in dts:
        for folder in source.glob(f"{platform}/*/{dt}"):
            shutil.copytree(folder, landing / folder.relative_to(source), copy_function=os.link)


def restate(landing: Path, dt: str) -> str:
    """Writes the messages of a dt of Taobao once more, an agent's message a second later. Returns the message."""
    (file,) = (landing / "taobao" / "messages" / dt).iterdir()
    aside = file.with_name("_new.parquet")
    with duckdb.connect() as connection:
        (message,) = connection.execute(
            f"select min(message_id) from {text(file)} where author_kind = 'agent' and message_type = 'text'"
        ).fetchall()[0]
        connection.execute(
            f"""
            copy (
                select * replace (
                    case when message_id = {text(message)} then sent_at + interval 1 second else sent_at end as sent_at
                )
                from {text(file)}
            ) to {text(aside)} (format parquet, compression zstd)
            """
        )
    aside.rename(file)
    return str(message)


def deliver_snapshots_again(landing: Path, home: Path, last: str) -> None:
    """Delivers the states that stand in a home once more, unchanged, with the last dt."""
    with duckdb.connect(str(Home(home).warehouse), read_only=True) as connection:
        for table in SNAPSHOTS:
            folder = landing / "taobao" / table / last
            folder.mkdir(exist_ok=True)
            connection.execute(f"copy staging.taobao_{table} to {text(folder / 'part.parquet')} (format parquet)")


def walk(source: Path, folder: Path, say: Callable[[str], None]) -> list[Step]:
    """Walks the steps in a new home below `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    landing, home = folder / "landing", folder / "home"
    dts = dts_of(source)
    restated = dts[-1 - RESTATED_DAYS_AGO]
    steps: list[Step] = []

    def take(name: str, command: Sequence[object], has_to_say: str) -> None:
        taken = measured(command)
        if has_to_say not in taken.out:
            raise SystemExit(f"{name} did not say {has_to_say!r}:\n{taken.out}")
        published = Home(home).published
        size = published.stat().st_size if published.exists() else 0
        steps.append(Step(name, taken, Home(home).warehouse.stat().st_size, size))
        say(f"  {name:<28} {taken.wall:8.1f} s {taken.cpu:8.1f} s CPU {taken.memory / 2**20:7,.0f} MiB")

    deliver(source, landing, dts[:-1])
    take("landing", part("land", landing, home), "taobao/messages")
    take("full build", build_of(landing, home), "published")
    deliver(source, landing, dts[-1:])
    take("one new day", build_of(landing, home), "rebuilt taobao")
    restate(landing, restated)
    take("one old day restated", build_of(landing, home), "rebuilt taobao")
    deliver_snapshots_again(landing, home, dts[-1])
    take("a snapshot again unchanged", build_of(landing, home), "published")
    take("nothing new", build_of(landing, home), "nothing to do")
    take("publish", part("publish", home), "kefu-")
    take("twenty queries", part("query", Home(home).published), "{")
    return steps


def query_times(steps: Sequence[Step]) -> dict[str, tuple[float, int]]:
    """Seconds and rows of each query."""
    return dict(json.loads(next(step.measured.out for step in steps if step.name == "twenty queries")))
