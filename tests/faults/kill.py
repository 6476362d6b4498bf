"""kill -9 of `kefu build` at random moments of every stage; then a plain re-run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
from harness import build, marts

from faults.common import Marts, check_clean, check_readers, deliver, differences, end, full_rebuilds, scratch, start_build, steps
from orchestration.build.state import prepared
from orchestration.home import Home

STAGES = ("landing", "dbt", "publishing")
ENDED = "a build that had ended"
IN_A_ROW = 5  # kills before a build is let run to its end
SIGNS = {"dbt": "dbt/manifest.json", "publishing": "published/*.new"}  # files that are written when a stage begins
LONGEST = {"landing": 0.1, "dbt": 7.0, "publishing": 1.0}  # seconds from the stage's beginning to the kill, at most


def kill(landing: Path, home: Path, stage: str, tables: int, dice: random.Random) -> str:
    """Starts a build that lands so many tables, kills it and all it started in a stage. Returns where it was hit, or ENDED."""
    before = _link(home), _requested_at(home)
    process = start_build(landing, home)
    try:
        wait_for(stage, process, home, dice.randint(1, tables) if stage == "landing" else tables)
        time.sleep(dice.uniform(0, LONGEST[stage]))
    finally:
        end(process)
    return _hit(home, *before) if process.returncode == -signal.SIGKILL else ENDED


def wait_for(stage: str, process: subprocess.Popen[str], home: Path, tables: int) -> None:
    """Returns when so many tables have landed, or when dbt or publishing has begun; at the latest when the build is done."""
    started = time.time()
    assert process.stdout is not None
    if sign := SIGNS.get(stage):
        while process.poll() is None and not any(_is_younger(path, started) for path in home.glob(sign)):
            time.sleep(0.005)
        return
    for line in process.stdout:
        tables -= line.startswith("landed ")
        if not tables:
            return


def _is_younger(path: Path, than: float) -> bool:
    """Not one that a dead build left."""
    try:
        return path.stat().st_mtime > than
    except FileNotFoundError:
        return False


def _link(home: Path) -> str | None:
    return os.readlink(home / "kefu.duckdb") if (home / "kefu.duckdb").is_symlink() else None


def _requested_at(home: Path) -> datetime | None:
    """When the last build began to compute."""
    if not Home(home).warehouse.exists():
        return None
    with prepared(Home(home)) as state:
        found: datetime | None = state.connection.execute("select published_at from build.request").fetchall()[0][0]
        return found


def _hit(home: Path, link_before: str | None, requested_before: datetime | None) -> str:
    """What the dead build leaves tells how far it was."""
    if _link(home) != link_before:
        return "publishing"
    if _requested_at(home) == requested_before:
        return "landing"
    with duckdb.connect(str(Home(home).warehouse), read_only=True) as connection:
        is_checked = connection.execute("select is_checked from build.request").fetchall()[0][0]
    return "publishing" if is_checked else "dbt"


def kill_and_rerun(
    landing: Path, home: Path, portions: Sequence[Sequence[str]], dice: random.Random, expected: Marts
) -> tuple[list[str], int]:
    """A kill after each delivery, the first build among them: where they hit, and in how many rows the re-run differs."""
    hits = []
    for number, dts in enumerate(portions):
        deliver(landing, dts)
        tables = len({folder.parent for dt in dts for folder in landing.glob(f"*/*/{dt}")})
        hits.append(kill(landing, home, STAGES[number % len(STAGES)], tables, dice))
        check_readers(home)
    build(landing, home)
    check_readers(home)
    check_clean(home)
    return hits, differences(marts(home), expected)


def main(rounds: int = 10) -> None:
    dice, hits, wrong = random.Random(1), Counter[str](), 0
    with scratch() as folder:
        parts = steps(3)
        expected = full_rebuilds(folder, parts)
        for number in range(rounds):
            step = (0, 1, 2, 1, 2)[number % 5]
            landing, home = folder / "landing", folder / "home"
            if step < 2:  # begins anew: with nothing, or with what the first step left
                shutil.rmtree(landing, ignore_errors=True)
                shutil.rmtree(home, ignore_errors=True)
            if step == 1:
                shutil.copytree(folder / "landing-0", landing, copy_function=shutil.copy2)
                shutil.copytree(folder / "home-0", home, symlinks=True)
            dts = parts[step]
            found, rows = kill_and_rerun(landing, home, [dts[n::IN_A_ROW] for n in range(IN_A_ROW)], dice, expected[step])
            print(f"    round {number + 1}: {', '.join(found)}; {rows} rows differ", file=sys.stderr, flush=True)
            hits.update(found)
            wrong += rows
    where = ", ".join(f"{hits[stage]} in {stage}" for stage in (*STAGES, ENDED) if hits[stage])
    print(
        f"kill -9: {hits.total()} kills ({where}), {IN_A_ROW} in a row, each on a further delivery; "
        f"after a plain re-run {wrong} rows differ from the full rebuild",
        flush=True,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
