"""The process ends between building and publishing: before it, amid it, and before it is noted; then a plain re-run."""

from __future__ import annotations

import shutil
import sys

from harness import build, marts, query

from faults.common import check_clean, check_readers, deliver, differences, full_rebuilds, scratch, start_build, steps

# What is replaced by the end of the process, in a process of its own.
POINTS = {
    "before publishing": "steps.publish = lambda *_, **__: os._exit(9)",
    "before the swap": "Path.symlink_to = lambda *_: os._exit(9)",
    "before it is noted": "steps.BuildState.mark_built = lambda *_: os._exit(9)",
}
CODE = """
import os
from pathlib import Path
from orchestration.build import steps
from orchestration.cli import main
{point}
raise SystemExit(main())
"""
REVISIONS = "select * from marts.metric_revisions order by all"


def main() -> None:
    wrong = 0
    with scratch() as folder:
        parts = steps(2)
        expected = full_rebuilds(folder, parts)[-1]
        for point, patch in POINTS.items():
            landing, home = folder / "landing", folder / "home"
            for old in (landing, home):
                shutil.rmtree(old, ignore_errors=True)
            shutil.copytree(folder / "landing-0", landing, copy_function=shutil.copy2)
            shutil.copytree(folder / "home-0", home, symlinks=True)
            deliver(landing, parts[1])
            before = marts(home)
            crashed = start_build(landing, home, code=CODE.format(point=patch))
            _, err = crashed.communicate()
            assert crashed.returncode == 9, err
            check_readers(home)
            is_swapped = point == "before it is noted"
            assert differences(marts(home), expected if is_swapped else before) == 0
            published = query(home, REVISIONS)
            build(landing, home)
            check_clean(home)
            rows = differences(marts(home), expected)
            assert set(published) <= set(query(home, REVISIONS)), "a figure that was published stays, with its time"
            print(f"    {point}: {rows} rows differ", file=sys.stderr, flush=True)
            wrong += rows
    print(f"crash: {len(POINTS)} points ({', '.join(POINTS)}); after a plain re-run {wrong} rows differ from the full rebuild")


if __name__ == "__main__":
    main()
