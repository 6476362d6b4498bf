"""Draws the plots of docs/benchmarks.md into a folder: results as JSON on stdin. Runs where matplotlib is, without kefu."""

import json
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

matplotlib.rcParams["svg.hashsalt"] = "kefu"  # the same figures draw the same file


def main() -> None:
    results, folder = json.load(sys.stdin), Path(sys.argv[1])
    names = [f"{result['messages'] / 1e6:,.0f} million messages" for result in results]
    steps = [step["name"] for step in results[0]["steps"]]
    walls = [[next(step["wall"] for step in result["steps"] if step["name"] == name) for name in steps] for result in results]
    _bars(folder / "1_wall_time_of_each_step.svg", steps, names, walls, "seconds")
    ways = [way for way in results[0]["beside"] if all(way in result["beside"] for result in results)]
    beside = [[statistics.median(one["wall"] for one in result["beside"][way]) for way in ways] for result in results]
    _bars(folder / "2_wall_time_side_by_side.svg", ways, names, beside, "seconds")
    kept = [step for step in steps if step not in ("nothing new", "publish", "twenty queries", "landing")]
    sizes = [[step["warehouse"] / 2**20 for step in result["steps"] if step["name"] in kept] for result in results]
    _bars(folder / "3_size_of_the_warehouse_after_each_step.svg", kept, names, sizes, "MiB")


def _bars(path: Path, labels: list[str], series: list[str], values: list[list[float]], unit: str) -> None:
    """Bars beside each other per label, a colour per series, each with its figure."""
    figure, axes = plt.subplots(figsize=(9, 0.55 * len(labels) * max(1, 0.7 * len(series)) + 1))
    height = 0.8 / len(series)
    for number, (name, row) in enumerate(zip(series, values, strict=True)):
        places = [place + number * height for place in range(len(labels))]
        bars = axes.barh(places, row, height=height, label=name)
        axes.bar_label(bars, labels=[f" {value:,.1f}" if value < 100 else f" {value:,.0f}" for value in row], fontsize=8)
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(labels))], labels)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel(f"{unit}, logarithmic")
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


main()
