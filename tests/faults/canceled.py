"""A Dagster run is canceled while its dbt computes; the next run gets the slot."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import marts

from faults.common import check_clean, deliver, differences, full_rebuilds, scratch, steps
from faults.dagster_dev import OVER, dagster_dev, wait_until

FREE_SLOTS_SECONDS = 5


def main() -> None:
    with scratch() as folder:
        parts = steps(1)
        (expected,) = full_rebuilds(folder, parts)
        landing, home = folder / "landing", folder / "home"
        deliver(landing, parts[0])
        with dagster_dev(landing, home, FREE_SLOTS_SECONDS) as dagster:
            runs = [dagster.launch(day) for day in ("2023-03-22", "2023-03-30")]
            wait_until(lambda: dagster.builder() is not None, 300, "dbt is at work")
            first = dagster.slot_of()
            (second,) = [run for run in runs if run != first]
            assert first and dagster.status(first) == "STARTED" and dagster.status(second) not in OVER
            dead = Path("/proc", str(dagster.builder()))
            dagster.terminate(first)
            gone = wait_until(lambda: not dead.exists(), 60, "the process that built is gone")
            handed = gone + wait_until(lambda: dagster.slot_of() == second, 120, "the second run has the slot")
            wait_until(lambda: dagster.status(second) in OVER, 600, "the second run is over")
            statuses = dagster.status(first), dagster.status(second)
            print(f"    {statuses}", file=sys.stderr)
        assert statuses == ("CANCELED", "SUCCESS"), statuses
        check_clean(home)
        wrong = differences(marts(home), expected)
    print(
        f"canceled run: its process gone after {gone:.1f} s, its slot with the next run after {handed:.1f} s "
        f"(free_slots_after_run_end_seconds: {FREE_SLOTS_SECONDS}); {wrong} rows differ from the full rebuild"
    )


if __name__ == "__main__":
    main()
