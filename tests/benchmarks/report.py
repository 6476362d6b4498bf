"""Writes docs/benchmarks.md and its plots from the results of every size."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Result = dict[str, Any]

INTRODUCTION = """# Benchmarks

What kefu takes, measured by `make bench` and written by it, on sample data (`kefu generate`, 365 days, 200 shops on each platform,
5 agents in each). Every step is a process of its own, its start included. Wall time is what somebody waits; CPU is that of all its
processes on all cores; memory is the peak of what they hold together. Files are in the page cache, as they are after they have been
written.

    make bench                     # 1 and 10 million messages
    make bench SIZES=1
    make bench SIZES="1 10 100"    # a size that the disk or PATIENCE=180 (minutes) cannot hold is skipped, and it says so

The sample stays in `bench/` (`BENCH=DIR` for another folder) for the next run, and so do the results of the sizes that it leaves out.
"""

STEPS = """The steps, one after the other, in one home:

- *landing* of all dts but the last, then *full build*: `kefu build` of what landed, from reading the project to publishing;
- *one new day*: `kefu build` with the last dt on top;
- *one old day restated*: the messages of Taobao of 100 days before come again, one of them a second later;
- *a snapshot again unchanged*: Taobao's shops, accounts and audience members come again as they were;
- *nothing new*: `kefu build` when nothing came;
- *publish*: the marts once more into a file of their own;
- *twenty queries*: [what analysts ask](../tests/benchmarks/queries.sql), one after the other in a new process.
"""

BESIDE = """Side by side, from the same files to the same rows: `taobao_rounds` and the day rows of Taobao in `service_metrics`. kefu goes
its whole way, landing and dbt included (`kefu build --select taobao_rounds,service_metrics` in a new home, on a landing folder that
holds Taobao's tables only); it makes every period of the metrics, of which the day rows are compared. The others go straight from the
Parquet files, and can do nothing else: no increments, no rejected rows, no checks, no reasons told. They run in turn. After the
first round every row is compared with kefu's, in both directions; one that differs fails the run.

- [DuckDB script](../tests/benchmarks/taobao.sql): written by hand, the practical limit;
- [chdb script](../tests/benchmarks/taobao_clickhouse.sql): the same in ClickHouse's SQL, embedded.
"""


def write(results: Sequence[Result], docs: Path, others: Path | None) -> Path:
    """Writes the page, and with `others`, a Python that has matplotlib, its plots. Returns the page's path."""
    parts = [INTRODUCTION]
    if others:
        plots = docs / "benchmarks"
        plots.mkdir(parents=True, exist_ok=True)
        given = json.dumps(results)
        subprocess.run([others, HERE / "plots.py", plots], input=given, text=True, check=True)
        parts += [f"![{title}](benchmarks/{plot.name})" for plot in sorted(plots.glob("*.svg")) for title in [_title(plot)]]
    parts += [STEPS, BESIDE, *map(_of_size, results)]
    page = docs / "benchmarks.md"
    page.write_text("\n\n".join(part.strip("\n") for part in parts) + "\n", encoding="utf-8")
    return page


def _title(plot: Path) -> str:
    return plot.stem.replace("_", " ").capitalize()


def _of_size(result: Result) -> str:
    generated, machine = result["generated"], result["machine"]
    made = [
        f"## {result['messages']:,} messages",
        f"{result['date']}; {'; '.join(f'{name} {value}' for name, value in machine.items())}",
        f"The sample: `kefu generate {generated['command']}`, {generated['files']:,} Parquet files, {_mib(generated['bytes'])}.",
    ]
    return "\n\n".join([*made, _steps(result), _growth(result), _queries(result), _beside(result)])


def _steps(result: Result) -> str:
    lines = ["| step | wall | CPU | memory | warehouse after it | published after it |", "|---|--:|--:|--:|--:|--:|"]
    lines.append(f"| generate | {_figures(result['generated'])} | | |")
    for step in result["steps"]:
        lines.append(f"| {step['name']} | {_figures(step)} | {_mib(step['warehouse'])} | {_mib(step['published'])} |")
    return "\n".join(lines)


def _figures(one: Result) -> str:
    return f"{one['wall']:,.1f} s | {one['cpu']:,.1f} s | {_mib(one['memory'])}"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB" if size else ""


def _growth(result: Result) -> str:
    steps = {step["name"]: step for step in result["steps"]}
    full = steps["full build"]
    per_message = [f"{full[name] / result['messages']:,.0f} bytes a message" for name in ("warehouse", "published")]
    grown = []
    names = list(steps)
    for before, after in pairwise(names[1:5]):
        more = [steps[after][name] - steps[before][name] for name in ("warehouse", "published")]
        grown.append(
            f"{after} adds {more[0] / 2**20:+,.1f} MiB to the warehouse and {more[1] / 2**20:+,.1f} MiB to what is published"
        )
    return f"After the full build the warehouse has {per_message[0]}, what is published {per_message[1]}. {'; '.join(grown)}."


def _queries(result: Result) -> str:
    seconds = {title: taken for title, (taken, _) in result["queries"].items()}
    slowest = sorted(seconds, key=lambda title: -seconds[title])[:3]
    told = ", ".join(f"*{title}* ({1000 * seconds[title]:,.0f} ms)" for title in slowest)
    median = 1000 * statistics.median(seconds.values())
    total = sum(seconds.values())
    return f"The {len(seconds)} queries take {total:.2f} s, half of them less than {median:,.0f} ms; the slowest are {told}."


def _beside(result: Result) -> str:
    kefu = statistics.median(one["wall"] for one in result["beside"]["kefu"])
    lines = ["| way | wall, each time | CPU | memory | kefu's wall time is |", "|---|--:|--:|--:|--:|"]
    for name, runs in result["beside"].items():
        walls = ", ".join(f"{one['wall']:,.1f} s" for one in runs)
        cpu = statistics.median(one["cpu"] for one in runs)
        ratio = kefu / statistics.median(one["wall"] for one in runs)
        told = "" if name == "kefu" else f"{ratio:,.1f} times as long"
        lines.append(f"| {name} | {walls} | {cpu:,.1f} s | {_mib(max(one['memory'] for one in runs))} | {told} |")
    return "\n".join(lines)
