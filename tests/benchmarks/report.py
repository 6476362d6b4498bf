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


def write(results: Sequence[Result], skipped: Sequence[str], docs: Path, others: Path | None) -> Path:
    """Writes the page, and with `others`, a Python that has matplotlib, its plots. Returns the page's path."""
    drawn = []
    if others:
        plots = docs / "benchmarks"
        plots.mkdir(parents=True, exist_ok=True)
        subprocess.run([others, HERE / "plots.py", plots], input=json.dumps(results), text=True, check=True)
        drawn = [f"![{_title(plot)}](benchmarks/{plot.name})" for plot in sorted(plots.glob("*.svg"))]
    page = docs / "benchmarks.md"
    template = (HERE / "page.md").read_text(encoding="utf-8")
    told = {"{plots}\n\n": "".join(f"{plot}\n\n" for plot in drawn), "{sizes}": "\n\n".join([*map(_of_size, results), *skipped])}
    for place, text in told.items():
        template = template.replace(place, text)
    page.write_text(template, encoding="utf-8")
    return page


def _title(plot: Path) -> str:
    return plot.stem[2:].replace("_", " ").capitalize()


def _of_size(result: Result) -> str:
    generated, machine = result["generated"], result["machine"]
    made = [
        f"## {result['messages']:,} messages",
        f"{result['date']}; {'; '.join(f'{name} {value}' for name, value in machine.items())}",
        f"The sample: `{generated['command']}`, {generated['files']:,} Parquet files, {_mib(generated['bytes'])}.",
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
        grown.append(f"{after}: {more[0] / 2**20:+,.1f} MiB of warehouse, {more[1] / 2**20:+,.1f} MiB published")
    return (
        f"After the full build the warehouse has {per_message[0]}, what is published {per_message[1]}. Then {'; '.join(grown)}."
    )


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
