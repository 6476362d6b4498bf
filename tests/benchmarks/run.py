"""`make bench`: generates sample data of each size, walks kefu's steps, runs other ways beside it, writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.measure import KEFU, Measured, measured
from benchmarks.report import write
from benchmarks.side_by_side import compare
from benchmarks.steps import query_times, walk
from orchestration.home import PROJECT

DAYS, SHOPS, AGENTS = 365, 200, 5
MESSAGES_PER_DAY = 2740  # of 1 million in all
CPUS = 2
# Of the sample, a whole home, one with a selection, and the scripts' results: 1,100 at 1 million, and what is spilled.
DISK_BYTES_PER_MESSAGE = 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=_sizes, required=True, metavar="N,N", help="millions of messages, as 1,10,100")
    parser.add_argument("--work", type=Path, default=Path("bench"), metavar="DIR", help="kept: sample data and results")
    parser.add_argument("--docs", type=Path, default=PROJECT / "docs", metavar="DIR", help="where benchmarks.md is written")
    parser.add_argument("--others", type=Path, metavar="PYTHON", help="a Python with the packages of requirements-bench.lock")
    parser.add_argument("--repeats", type=int, default=2, metavar="N", help="how often the ways are run in turn (default 2)")
    parser.add_argument("--patience", type=float, default=180, metavar="MINUTES", help="a size that takes longer is skipped")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CPUS])  # and so for every process that is started from here
    skipped = []
    for size in options.sizes:
        folder = (options.work / str(size)).resolve()
        reason = too_much(size, options.work, folder, options.patience)
        if reason:
            skipped.append(f"{size} million messages: skipped, {reason}")
            _say(skipped[-1])
        else:
            _run(size, folder, options.others, options.repeats)
    results = [json.loads(path.read_text(encoding="utf-8")) for path in options.work.glob("*/results.json")]
    if not results:
        raise SystemExit("no size was measured")
    _say(str(write(sorted(results, key=lambda result: result["messages"]), skipped, options.docs, options.others)))


def _sizes(text: str) -> list[int]:
    return sorted({int(size) for size in text.replace(",", " ").split()})


def _say(line: str) -> None:
    print(line, flush=True)


def too_much(size: int, work: Path, folder: Path, patience: float) -> str | None:
    """Why the disk or the patience cannot hold a size; by what smaller sizes took."""
    work.mkdir(parents=True, exist_ok=True)
    there = sum(path.stat().st_size for path in (folder / "landing").rglob("*.parquet"))
    needed, free = size * 1_000_000 * DISK_BYTES_PER_MESSAGE - there, shutil.disk_usage(work).free
    if needed > free:
        return f"it needs about {needed / 1e9:,.0f} GB of disk and {free / 1e9:,.0f} are free"
    smaller = [json.loads(path.read_text(encoding="utf-8")) for path in work.glob("*/results.json")]
    smaller = [result for result in smaller if result["size"] < size]
    if smaller:
        largest = max(smaller, key=lambda result: result["size"])
        minutes = largest["seconds"] * size / largest["size"] / 60
        if minutes > patience:
            return (
                f"by what {largest['size']} million took it would take about {minutes:,.0f} minutes, and PATIENCE is {patience:g}"
            )
    return None


def _run(size: int, folder: Path, others: Path | None, repeats: int) -> None:
    _say(f"{size} million messages")
    started, machine = time.perf_counter(), _machine(others)
    generated = generate(size, folder)
    source = folder / "landing"
    steps = walk(source, folder / "walk", _say)
    taken = compare(source, folder / "beside", repeats, others, _say)
    for name in ("walk", "beside"):
        shutil.rmtree(folder / name)
    result = {
        "size": size,
        "seconds": time.perf_counter() - started + (0 if generated["is_new"] else generated["wall"]),
        "date": str(date.today()),
        "machine": machine,
        "messages": generated["messages"],
        "generated": generated,
        "steps": [{"name": s.name, **_figures(s.measured), "warehouse": s.warehouse, "published": s.published} for s in steps],
        "queries": query_times(steps),
        "beside": {name: [_figures(one) for one in runs] for name, runs in taken.items()},
    }
    (folder / "results.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


def _figures(one: Measured) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "out"}


def generate(size: int, folder: Path) -> dict[str, Any]:
    """Generates the sample, or takes that of an earlier run with what it took then."""
    note, landing = folder / "generated.json", folder / "landing"
    if note.exists():
        _say("  the sample is there from an earlier run")
        return json.loads(note.read_text(encoding="utf-8")) | {"is_new": False}
    shutil.rmtree(landing, ignore_errors=True)
    arguments = {"days": DAYS, "shops": SHOPS, "agents": AGENTS, "messages-per-day": MESSAGES_PER_DAY * size}
    given = [str(word) for name, value in arguments.items() for word in (f"--{name}", value)]
    one = measured([*KEFU, "generate", "--landing", landing, *given])
    files = [path.stat().st_size for path in landing.rglob("*.parquet")]
    with duckdb.connect() as connection:
        (messages,) = connection.execute(
            f"select count(*) from read_parquet('{landing}/*/messages/*/*.parquet', union_by_name = true)"
        ).fetchall()[0]
    found = _figures(one) | {"messages": messages, "files": len(files), "bytes": sum(files), "command": " ".join(given)}
    note.write_text(json.dumps(found), encoding="utf-8")
    _say(f"  {'generate':<28} {one.wall:8.1f} s {one.cpu:8.1f} s CPU {one.memory / 2**20:7,.0f} MiB")
    return found | {"is_new": True}


def _machine(others: Path | None) -> dict[str, str]:
    models = {line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line}
    found = {
        "CPU": f"{', '.join(sorted(models)) or platform.machine()}, {CPUS} of {os.cpu_count()} cores",
        "load when it began": f"{os.getloadavg()[0]:.1f}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": platform.system(),
        "Python": platform.python_version(),
        "DuckDB": duckdb.__version__,
    }
    if others:
        show = "from importlib.metadata import version; print(version('chdb'), version('polars'))"
        chdb, polars = subprocess.run([others, "-c", show], capture_output=True, text=True, check=True).stdout.split()
        found |= {"chdb": chdb, "Polars": polars}
    return found


if __name__ == "__main__":
    main()
