"""`make bench-spark`: a full build and a new day on Spark with 1 and 2 workers, beside DuckDB, on the same files."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import marts

from benchmarks.measure import Measured, measured
from benchmarks.run import generate
from benchmarks.steps import deliver, dts_of
from orchestration.home import PROJECT

SPARK = PROJECT / ".venv-spark" / "bin"
SHUFFLED = re.compile(r"([\d,.]+) MB shuffled")
TASKS = re.compile(r"ran ([\d,]+) tasks in ([\d,]+) s")
HEAD = "| messages | engine | step | seconds | seconds of CPU | memory | tasks | shuffled |\n|---|---|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Way:
    name: str
    before: Sequence[object]  # of the command: what starts the cluster around it


WAYS = [
    Way("DuckDB", ()),
    Way("Spark, 1 worker", (SPARK / "python", "-m", "orchestration.spark.cluster", "--workers", 1)),
    Way("Spark, 2 workers", (SPARK / "python", "-m", "orchestration.spark.cluster", "--workers", 2)),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", required=True, help="in millions of messages")
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    print(HEAD, flush=True)
    for size in map(int, options.sizes.split()):
        folder = options.work / str(size)
        generate(size, folder)
        homes = [_walk(size, way, folder) for way in WAYS]
        of_duckdb = marts(homes[0])
        for way, home in zip(WAYS[1:], homes[1:], strict=True):
            if marts(home) != of_duckdb:
                raise SystemExit(f"{way.name}: marts differ from those of DuckDB")
        print(f"\n{size} M: every mart of {len(of_duckdb)} is the same\n", flush=True)


def _walk(size: int, way: Way, folder: Path) -> Path:
    """Builds a home in one way: everything but the last day, then that. Prints a line for each step."""
    source, landing, home = folder / "landing", folder / "spark-landing", folder / "spark-home" / way.name.replace(" ", "-")
    for old in (landing, home):
        shutil.rmtree(old, ignore_errors=True)
    home.parent.mkdir(exist_ok=True)
    dts = dts_of(source)
    for step, delivered in (("full build", dts[:-1]), ("one new day", dts[-1:])):
        deliver(source, landing, delivered)
        kefu = SPARK / "kefu" if way.before else PROJECT / ".venv" / "bin" / "kefu"
        _print(size, way, step, measured([*way.before, kefu, "build", "--landing", landing, "--home", home]))
    return home


def _print(size: int, way: Way, step: str, took: Measured) -> None:
    tasks = sum(int(count.replace(",", "")) for count, _ in TASKS.findall(took.out))
    shuffled = sum(float(size.replace(",", "")) for size in SHUFFLED.findall(took.out))
    memory = f"{took.memory / 2**30:.1f} GiB"
    print(
        f"| {size} M | {way.name} | {step} | {took.wall:.0f} | {took.cpu:.0f} | {memory} | {tasks:,} | {shuffled:,.0f} MB |",
        flush=True,
    )


if __name__ == "__main__":
    main()
