"""The disk is full while a build lands, computes or publishes; then there is space again and a plain re-run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from harness import build, marts

from faults.common import Marts, check_clean, check_readers, deliver, differences, full_rebuilds, scratch, start_build, steps
from faults.kill import wait_for

ROUNDS = 2


def fill(folder: Path) -> Path:
    """Takes all space that is left of the file system."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as stream:
        for size in (1024**2, 4096, 1):
            with suppress(OSError):
                while stream.write(bytes(size)):
                    pass
    return ballast


def check_one_line(code: int | None, err: str) -> None:
    assert code == 1, (code, err)
    assert err.startswith("kefu: ") and err.count("\n") == 1, err


def fail_and_rerun(landing: Path, home: Path, stage: str, tables: int, expected: Marts) -> tuple[str, int]:
    """A build that finds no space from a stage on: what it said, and in how many rows the re-run differs."""
    before, rounds = os.readlink(home / "kefu.duckdb"), check_readers(home)
    process = start_build(landing, home)
    wait_for(stage, process, home, tables)
    ballast = fill(home.parent)
    _, err = process.communicate()
    check_one_line(process.returncode, err)
    assert (os.readlink(home / "kefu.duckdb"), check_readers(home)) == (before, rounds), "readers keep the last version"
    ballast.unlink()
    build(landing, home)
    check_clean(home)
    return err.strip(), differences(marts(home), expected)


def main() -> None:
    builds, wrong = 0, 0
    with scratch() as folder:
        small = folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(small)], check=True)
        try:
            parts = steps(2)
            expected = full_rebuilds(folder, parts)
            landing = folder / "landing"
            shutil.copytree(folder / "landing-0", landing, copy_function=shutil.copy2)
            deliver(landing, parts[1])
            tables = len({day.parent for dt in parts[1] for day in landing.glob(f"*/*/{dt}")})
            for number in range(ROUNDS):
                for stage, landed in (("landing", 1 + number * 9), ("dbt", tables), ("publishing", tables)):
                    home = small / "home"
                    shutil.rmtree(home, ignore_errors=True)
                    shutil.copytree(folder / "home-0", home, symlinks=True)
                    said, rows = fail_and_rerun(landing, home, stage, landed, expected[1])
                    print(f"    {stage}: {said[:300]}; {rows} rows differ", file=sys.stderr, flush=True)
                    builds += 1
                    wrong += rows
        finally:
            subprocess.run(["umount", str(small)], check=True)
    print(
        f"disk full: {builds} builds, from landing, dbt or publishing on, each one line and exit 1; "
        f"after a plain re-run {wrong} rows differ from the full rebuild"
    )


if __name__ == "__main__":
    main()
