"""The disk is full while a build lands, computes or publishes; then there is space again and a plain re-run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from harness import build, marts

from faults.common import Marts, check_clean, check_readers, deliver, differences, full_rebuilds, scratch, start_build, steps

TRIES = 12


def free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def fill(folder: Path, left: int) -> Path:
    """Takes all space of the file system but so many bytes."""
    ballast = folder / "ballast"
    with open(ballast, "wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, free(folder) - left)
    return ballast


def check_one_line(code: int | None, err: str) -> None:
    assert code == 1, (code, err)
    assert err.startswith("kefu: ") and err.count("\n") == 1, err


def stage_of(out: str, err: str) -> str:
    if "cannot be landed" in err or "landed" not in out:
        return "landing"
    return "dbt" if " failed: " in err or "dbt failed" in err else "publishing"


def fail_and_rerun(landing: Path, home: Path, left: int, expected: Marts) -> tuple[str, int]:
    """A build with so many bytes left: where it failed ('' if it did not), and in how many rows the re-run differs."""
    before = os.readlink(home / "kefu.duckdb")
    rounds = check_readers(home)
    ballast = fill(home.parent, left)
    process = start_build(landing, home)
    out, err = process.communicate()
    failed = process.returncode != 0
    if failed:
        check_one_line(process.returncode, err)
        assert (os.readlink(home / "kefu.duckdb"), check_readers(home)) == (before, rounds), "readers keep the last version"
    ballast.unlink()
    if failed:
        build(landing, home)
    check_clean(home)
    return stage_of(out, err) + ": " + err.strip() if failed else "", differences(marts(home), expected)


def main() -> None:
    hits, wrong = Counter[str](), 0
    with scratch() as folder:
        small = folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(small)], check=True)
        try:
            parts = steps(2)
            expected = full_rebuilds(folder, parts)
            landing = folder / "landing"
            for dts in parts:
                deliver(landing, dts)
            needed = 16 * 1024 * 1024
            for number in range(TRIES):
                home = small / "home"
                shutil.rmtree(home, ignore_errors=True)
                shutil.copytree(folder / "home-0", home, symlinks=True)
                where, rows = fail_and_rerun(landing, home, needed * number // TRIES, expected[1])
                print(f"    {needed * number // TRIES:>12,} bytes left: {where or 'enough'}", file=sys.stderr, flush=True)
                hits[where.split(":")[0]] += bool(where)
                wrong += rows
        finally:
            subprocess.run(["umount", str(small)], check=True)
    where = ", ".join(f"{count} in {stage}" for stage, count in hits.items() if count)
    print(f"disk full: {sum(hits.values())} builds ({where}); after a plain re-run {wrong} rows differ from the full rebuild")


if __name__ == "__main__":
    main()
