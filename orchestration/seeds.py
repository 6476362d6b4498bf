"""The project's seeds, for code that has no warehouse at hand."""

from __future__ import annotations

import csv

from orchestration.home import PROJECT


def seed(name: str) -> list[dict[str, str]]:
    """The rows of a seed as they stand in its file, all of them text."""
    with open(PROJECT / "seeds" / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
