"""The marts of Xiaohongshu, and its metrics, are what independent implementations of the rules found in the fixtures."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from harness import FIXTURES, query

PLATFORM = "xiaohongshu"
KEYS = {
    "xiaohongshu_sessions": ["session_id"],
    "xiaohongshu_inspection_samples": ["session_id"],
    "xiaohongshu_coverage": ["shop_id", "business_date", "hour"],
    "service_metrics": ["platform", "metric", "subject", "shop_id", "account_id", "period", "period_end"],
}
Row = dict[str, Any]


def expected(fixture: str, table: str) -> list[Row]:
    with (FIXTURES / fixture / "expected" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("platform", PLATFORM) == PLATFORM]


def computed(home: Path, table: str, columns: list[str]) -> list[Row]:
    where = f"where platform = '{PLATFORM}'" if "platform" in columns else ""
    return [
        dict(zip(columns, row, strict=True)) for row in query(home, f"select {', '.join(columns)} from marts.{table} {where}")
    ]


def equal(text: str, value: Any) -> bool:
    """Whether a cell says what the mart does: empty is null, lists are sets, numbers up to 0.001."""
    match value:
        case None:
            return text == ""
        case list():
            return set(text.split("|")) - {""} == set(value)
        case bool():
            return text == str(value).lower()
        case int() | float():
            return text != "" and abs(float(text) - value) <= 0.001
        case datetime():
            return text != "" and datetime.fromisoformat(text) == value
        case _:
            return text == str(value)


def by_key(rows: list[Row], key: list[str]) -> dict[tuple[str, ...], Row]:
    found = {tuple("" if row[column] is None else str(row[column]) for column in key): row for row in rows}
    assert len(found) == len(rows), "a key twice"
    return found


@pytest.mark.parametrize("table", KEYS)
@pytest.mark.parametrize("fixture", sorted(path.name for path in FIXTURES.iterdir()))
def test_equals_the_known_answers(fixture: str, table: str, built_homes: dict[str, Path]) -> None:
    answers = by_key(expected(fixture, table), KEYS[table])
    assert answers
    columns = list(next(iter(answers.values())))
    rows = by_key(computed(built_homes[fixture], table, columns), KEYS[table])
    assert rows.keys() == answers.keys()
    differing = [
        (key, column, answer[column], rows[key][column])
        for key, answer in answers.items()
        for column in columns
        if not equal(answer[column], rows[key][column])
    ]
    assert differing == []
