"""Two Dagster runs and a build of the command line at once on one home."""

from __future__ import annotations

import sys

from harness import build, marts

from faults.common import check_clean, deliver, differences, full_rebuilds, scratch, start_build, steps
from faults.dagster_dev import OVER, dagster_dev, wait_until


def main() -> None:
    with scratch() as folder:
        parts = steps(1)
        (expected,) = full_rebuilds(folder, parts)
        landing, home = folder / "landing", folder / "home"
        deliver(landing, parts[0])
        with dagster_dev(landing, home) as dagster:
            runs = [dagster.launch(day) for day in ("2023-03-22", "2023-03-30")]
            command = start_build(landing, home)
            out, err = command.communicate()
            wait_until(lambda: all(dagster.status(run) in OVER for run in runs), 900, "both runs are over")
            statuses = [dagster.status(run) for run in runs]
            print(f"    {statuses}, command {command.returncode} {out[-60:]!r} {err!r}", file=sys.stderr)
        assert statuses == ["SUCCESS", "SUCCESS"], statuses
        if command.returncode:
            assert "another build is writing" in err and err.count("\n") == 1, err
        wrong = differences(marts(home), expected)
        build(landing, home)
        check_clean(home)
        wrong += differences(marts(home), expected)
    ended = "was told of the other build" if command.returncode else "built"
    print(f"at once: two Dagster runs succeeded, the command {ended}; {wrong} rows differ from the full rebuild")


if __name__ == "__main__":
    main()
