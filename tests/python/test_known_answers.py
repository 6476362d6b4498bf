"""The cases with known answers and the real chats: every mart that has an expected file equals it, row for row."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from harness import FIXTURES, query

from orchestration.home import PROJECT


def metrics() -> set[tuple[str, str]]:
    """(platform, metric) that are computed."""
    with open(PROJECT / "seeds" / "metrics.csv", encoding="utf-8", newline="") as lines:
        return {(row["platform"], row["metric"]) for row in csv.DictReader(lines)}


def answers() -> list[tuple[str, str]]:
    """(fixture, mart) of every expected file whose mart is a model."""
    models = {path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql")}
    return sorted((path.parts[-3], path.stem) for path in FIXTURES.glob("*/expected/*.csv") if path.stem in models)


def read(value: str, data_type: str) -> Any:
    """A cell of an expected file: empty is null, lists are joined by |, numbers count up to 0.001."""
    if data_type == "VARCHAR[]":
        return tuple(sorted(value.split("|"))) if value else ()
    if value == "":
        return None
    if data_type == "DOUBLE":
        return round(float(value) / 0.001)
    if data_type == "BIGINT":
        return str(int(float(value)))
    if data_type == "TIMESTAMP":
        return value.rstrip("0").rstrip(".") if "." in value else value
    return value


def shown(value: Any, data_type: str) -> Any:
    """A cell of a mart, in the same terms."""
    if data_type == "VARCHAR[]":
        return tuple(sorted(value or ()))
    if value is None:
        return None
    if data_type == "DOUBLE":
        return round(value / 0.001)
    if data_type == "TIMESTAMP":
        text = str(value)
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value).lower() if data_type == "BOOLEAN" else str(value)


def alike(found: tuple[Any, ...], expected: tuple[Any, ...]) -> bool:
    """Equal but for numbers, which may be a thousandth apart where their last digit is rounded."""
    return all(
        one == other or (isinstance(one, int) and isinstance(other, int) and abs(one - other) <= 1)
        for one, other in zip(found, expected, strict=True)
    )


# What the expected file of a mart lists, where that is not all of it.
LISTED = {"taobao_grades": "grade_source = 'published'"}


@pytest.mark.parametrize(("fixture", "mart"), answers())
def test_the_mart_equals_the_known_answer(fixture: str, mart: str, built_homes: dict[str, Path]) -> None:
    home = built_homes[fixture]
    types = dict(query(home, f"select column_name, data_type from duckdb_columns() where table_name = '{mart}'"))
    with open(FIXTURES / fixture / "expected" / f"{mart}.csv", encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        rows, columns = list(reader), list(reader.fieldnames or [])
    listed_rows = f"marts.{mart} where {LISTED.get(mart, 'true')}"
    if not columns:  # an expected file without any row has no header
        assert query(home, f"from {listed_rows}") == []
        return
    if mart == "service_metrics":
        rows = [row for row in rows if (row["platform"], row["metric"]) in metrics()]
    expected = sorted((tuple(read(row[column], types[column]) for column in columns) for row in rows), key=repr)
    listed = ", ".join(f'"{column}"' for column in columns)
    found = sorted(
        (
            tuple(shown(value, types[column]) for value, column in zip(row, columns, strict=True))
            for row in query(home, f"select {listed} from {listed_rows}")
        ),
        key=repr,
    )
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    unlike = [row for row in missing.elements() if not any(alike(row, other) for other in extra)]
    assert (len(found), unlike) == (len(expected), []), [row for row in extra if not any(alike(row, o) for o in missing)][:5]
