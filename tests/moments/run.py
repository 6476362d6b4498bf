"""`make moments`: at random moments of all cases, what `kefu live` says equals a full build of everything up to then.

Half of the moments are those at which something happens, where limits are met exactly. Exits with 1 where one differs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import traceback
from datetime import date, datetime, time, timedelta
from itertools import cycle, islice
from pathlib import Path

from harness import FIXTURES, build, warehouse
from test_live import HAPPENS, check_moment

CASES = sorted(path.name for path in FIXTURES.iterdir())


def times_of_events(home: Path) -> list[datetime]:
    """When anything happens, in order, of each second once."""
    times = " union ".join(
        f"select date_trunc('second', {time}) as happened_at from staging.{platform}_{table}"
        for platform, tables in HAPPENS.items()
        for table, time in tables.items()
    )
    return [
        at for (at,) in warehouse(home, f"select happened_at from ({times}) where happened_at is not null order by happened_at")
    ]


def moment(times: list[datetime], draw: random.Random) -> datetime:
    """A moment at which something happens, or any other one of the same dates."""
    at = draw.choice(times)
    return draw.choice([at, datetime.combine(at.date(), time()) + timedelta(milliseconds=draw.randrange(24 * 3600 * 1000))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, required=True, help="how many moments")
    parser.add_argument("--date", type=date.fromisoformat, default=date.today(), help="which ones; today's unless said otherwise")
    options = parser.parse_args()
    draw = random.Random(options.date.toordinal())
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        homes: dict[str, tuple[Path, list[datetime]]] = {}
        for number, case in enumerate(islice(cycle(CASES), options.sample)):
            landing, folder = FIXTURES / case / "landing", Path(temporary, str(number))
            if case not in homes:
                home = Path(temporary, case)
                build(landing, home)
                homes[case] = home, times_of_events(home)
            home, times = homes[case]
            at = moment(times, draw)
            folder.mkdir()
            shutil.copytree(home, folder / "live", symlinks=True)
            try:
                sizes = check_moment(landing, home, folder, at)
                print(f"moments: {case} {at}: equal, {sizes}", flush=True)
            except AssertionError:
                failed += 1
                traceback.print_exc()
                print(f"moments: {case} {at}: DIFFERS", flush=True)
            shutil.rmtree(folder)
    print(f"moments: {options.sample - failed} of {options.sample} equal")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
