"""The published marts against the cases with known answers: every row, every column of the expected files."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import FIXTURES

from orchestration.home import PROJECT

# The marts that are there, and what a row of each is known by.
KEYS = {
    "taobao_rounds": ("conversation_id", "first_message_id", "clock_started_at"),
    "kuaishou_rounds": ("session_id", "first_message_id", "clock_started_at"),
    "kuaishou_ratings": ("card_id",),
    "kuaishou_realtime": ("shop_id", "as_of"),
    "kuaishou_assisted_after_sales": ("request_id",),
    "service_metrics": ("platform", "metric", "subject", "shop_id", "account_id", "period", "period_end"),
}
Row = dict[str, Any]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def expected_rows(fixture: str, mart: str) -> list[dict[str, str]]:
    """The rows of an expected file; of the metrics those that the seed lists."""
    rows = read_csv(FIXTURES / fixture / "expected" / f"{mart}.csv")
    if mart != "service_metrics":
        return rows
    metrics = {(row["platform"], row["metric"]) for row in read_csv(PROJECT / "seeds" / "metrics.csv")}
    return [row for row in rows if (row["platform"], row["metric"]) in metrics]


def published_rows(home: Path, mart: str) -> list[Row]:
    with duckdb.connect(str(home / "kefu.duckdb"), read_only=True) as connection:
        result = connection.execute(f"select * from marts.{mart}")
        columns = [column[0] for column in result.description]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def text_of(value: Any) -> str:
    """A value of a key as the expected files write it."""
    return "" if value is None else str(value)


def is_same(ours: Any, theirs: str) -> bool:
    """Empty is null, numbers are the same up to 0.001, lists as sets, everything else exactly."""
    match ours:
        case None:
            return theirs == ""
        case bool():
            return theirs == str(ours).lower()
        case int() | float():
            return theirs != "" and abs(ours - float(theirs)) <= 0.001
        case datetime():
            return theirs != "" and ours == datetime.fromisoformat(theirs)
        case date():
            return theirs == str(ours)
        case list():
            return set(ours) == set(filter(None, theirs.split("|")))
        case _:
            return bool(ours == theirs)


def by_key(rows: list[Row], key: tuple[str, ...]) -> dict[tuple[str, ...], Row]:
    def text(row: Row, column: str) -> str:
        value = row[column]
        return text_of(datetime.fromisoformat(value) if isinstance(value, str) and column.endswith(("_at", "as_of")) else value)

    found = {tuple(text(row, column) for column in key): row for row in rows}
    assert len(found) == len(rows), "a key occurs twice"
    return found


def test_every_expected_mart_that_is_published_is_compared(built_homes: dict[str, Path]) -> None:
    with duckdb.connect(str(built_homes["case101"] / "kefu.duckdb"), read_only=True) as connection:
        published = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    expected = {path.stem for path in FIXTURES.glob("*/expected/*.csv")}
    assert published & expected == KEYS.keys()


@pytest.mark.parametrize("mart", KEYS)
@pytest.mark.parametrize("fixture", sorted(path.name for path in FIXTURES.iterdir()))
def test_published_rows_are_the_expected_ones(fixture: str, mart: str, built_homes: dict[str, Path]) -> None:
    ours = by_key(published_rows(built_homes[fixture], mart), KEYS[mart])
    theirs = by_key(expected_rows(fixture, mart), KEYS[mart])
    assert sorted(ours.keys() - theirs.keys()) == []
    assert sorted(theirs.keys() - ours.keys()) == []
    differences = [
        f"{key} {column}: ours {ours[key][column]!r}, expected {value!r}"
        for key, row in sorted(theirs.items())
        for column, value in row.items()
        if not is_same(ours[key][column], value)
    ]
    assert differences == []
