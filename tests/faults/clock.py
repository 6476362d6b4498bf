"""The machine's clock is wrong: in 1999, in 2090, and going backwards between builds. Needs the package faketime."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import marts, query

from faults.common import check_clean, deliver, differences, full_rebuilds, scratch, start_build, steps

CLOCKS = ("2090-01-01 00:00:00", "1999-06-01 00:00:00", "2038-01-19 03:14:00")  # one for each build, the second backwards


def library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "this script needs the Debian package faketime"
    return found[0]


def main() -> None:
    wrong = 0
    with scratch() as folder:
        parts = steps(len(CLOCKS))
        expected = full_rebuilds(folder, parts)
        landing, home = folder / "landing", folder / "home"
        for number, clock in enumerate(CLOCKS):
            deliver(landing, parts[number])
            process = start_build(landing, home, environment={"LD_PRELOAD": str(library()), "FAKETIME": f"@{clock}"})
            _, err = process.communicate()
            assert process.returncode == 0, err
            years = [year for (year,) in query(home, "select distinct year(published_at) from marts.metric_revisions")]
            print(f"    {clock}: figures published in {years}", file=sys.stderr, flush=True)
            assert set(years) <= {int(clock[:4]) for clock in CLOCKS} and int(clock[:4]) in years, "the clock is faked"
            check_clean(home)
            wrong += differences(marts(home), expected[number])
    print(f"wrong clock: builds in {', '.join(clock[:4] for clock in CLOCKS)}, one after the other; {wrong} rows differ")


if __name__ == "__main__":
    main()
