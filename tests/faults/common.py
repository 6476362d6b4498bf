"""What the faults share: landing that grows step by step, builds in processes of their own, what has to hold afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
from harness import FIXTURES, build, marts

from orchestration.home import PROJECT, Home, one_writer

SOURCE = FIXTURES / "case101" / "landing"
KEFU = "from orchestration.cli import main; raise SystemExit(main())"

Marts = dict[str, list[tuple[Any, ...]]]


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a script, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kefu-faults-") as folder:
        yield Path(folder)


def steps(count: int, source: Path = SOURCE) -> list[list[str]]:
    """The deliveries' dates in so many parts; every other date of a part comes a part later, so that days are rebuilt."""
    dts = sorted({folder.name for folder in source.glob("*/*/dt=*")})
    return [dts[number::count] for number in range(count)]


def deliver(landing: Path, dts: Sequence[str], source: Path = SOURCE) -> None:
    for dt in dts:
        for folder in source.glob(f"*/*/{dt}"):
            shutil.copytree(folder, landing / folder.relative_to(source), copy_function=shutil.copyfile)


def full_rebuilds(folder: Path, parts: Sequence[Sequence[str]]) -> list[Marts]:
    """The marts after each step, every one in a home that is built from nothing."""
    expected = []
    for number in range(len(parts)):
        landing, home = folder / f"landing-{number}", folder / f"home-{number}"
        deliver(landing, [dt for part in parts[: number + 1] for dt in part])
        build(landing, home)
        expected.append(marts(home))
    return expected


def start_build(
    landing: Path, home: Path, *more: object, code: str = KEFU, environment: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """`kefu build` in a process group of its own, so that whatever it starts can be ended with it."""
    return subprocess.Popen(
        [sys.executable, "-c", code, "build", "--landing", str(landing), "--home", str(home), *map(str, more)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])} | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    """kill -9 of a build and all it started, unless it was quicker."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def differences(found: Marts, expected: Marts) -> int:
    """Rows that stand in one of the two only."""
    count = 0
    for table in found.keys() | expected.keys():
        left, right = found.get(table, []), expected.get(table, [])
        if left != right:
            count += len(set(map(repr, left)) ^ set(map(repr, right))) or 1
    return count


def check_readers(home: Path) -> int:
    """A reader finds no version or a whole one: its rounds are those that exclusion_summary sums up. Returns the rounds."""
    published = home / "kefu.duckdb"
    if not published.is_symlink():
        return 0
    with duckdb.connect(str(published), read_only=True) as connection:
        rounds, summed = connection.execute(
            """
            select
                (select count(*) from marts.taobao_rounds) + (select count(*) from marts.kuaishou_rounds)
                + (select count(*) from marts.xiaohongshu_sessions),
                (select coalesce(sum(rounds), 0) from marts.exclusion_summary)
            """
        ).fetchall()[0]
    assert rounds == summed, (rounds, summed)
    return int(rounds)


def check_clean(home: Path) -> None:
    """Nobody holds the lock, and nothing half written lies about."""
    with one_writer(Home(home)):
        pass
    left = [path for path in home.rglob("*") if path.suffix in {".new", ".wal"} or path.parent.name == "tmp"]
    assert left == [], left
    assert len(list((home / "published").iterdir())) <= 2
