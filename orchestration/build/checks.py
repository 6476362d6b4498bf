"""What the last dbt run of a home said of the data: which checks found rows, and of which business dates those are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.home import Home
from orchestration.privacy.buyers import BUYER_COLUMNS

SHOWN_ROWS = 10
_SHOWN = f"columns(name -> name not in {BUYER_COLUMNS})"


@dataclass(frozen=True)
class RowDates:
    """SQL expressions for what a row of a mart is about: its platform, its first and its last business date."""

    platform: str
    first: str
    last: str

    def within(self, dates: str) -> str:
        """A condition on a row: one of the (platform, business_date) of the relation `dates` is among its dates."""
        return f"""exists (
            select 1 from (select platform as of_platform, business_date as of_date from {dates})
            where of_platform = {self.platform} and of_date between {self.first} and {self.last}
        )"""


@dataclass(frozen=True)
class Check:
    """A data test that found something."""

    unique_id: str
    name: str
    is_blocking: bool  # one that only warns does not stop publishing
    row_count: int
    query: str  # gives the rows
    dates: RowDates | None


def row_dates(node: dict[str, Any]) -> RowDates | None:
    """Of a mart, or a test, in dbt's manifest; None where its rows have no date. The same meta as in macros/checks.sql."""
    meta = node["config"]["meta"]
    if "date" not in meta:
        return None
    platform = f"'{meta['platform']}'" if "platform" in meta else "platform"
    return RowDates(platform, meta.get("first_date", meta["date"]), meta["date"])


def dated_marts(home: Home) -> dict[str, RowDates]:
    """By the mart's name."""
    nodes = _read(home.dbt / "manifest.json")["nodes"].values()
    dated = {node["name"]: row_dates(node) for node in nodes if node["resource_type"] == "model"}
    return {name: dates for name, dates in dated.items() if dates}


def forget_last_run(home: Home) -> None:
    """So that a run which dies before it can tell is not taken for the one before."""
    (home.dbt / "run_results.json").unlink(missing_ok=True)


def found(home: Home) -> list[Check]:
    """The checks that found rows in the last run; none where a model failed, for then no check speaks of a whole state."""
    runs = _runs(home)
    return [] if any(run["status"] == "error" for run in runs) else _checks(home, runs)


def failure(home: Home, connection: duckdb.DuckDBPyConnection) -> str:
    """The first things that failed in the last run, each with what it says or the first of its rows; empty where nothing did."""
    runs = _runs(home)
    errors = [f"{run['unique_id'].split('.')[2]} failed: {one_line(run['message'])}" for run in runs if run["status"] == "error"]
    checks = [f"check {check.name} failed: {_example(connection, check)}" for check in _checks(home, runs) if check.is_blocking]
    return "; ".join([*errors, *checks][:3])


def warnings(home: Home, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """A line for each check of the last run that warns."""
    checks = [check for check in found(home) if not check.is_blocking]
    return [f"warning: check {check.name}: {_example(connection, check)}" for check in checks]


def _runs(home: Home) -> list[dict[str, Any]]:
    results = home.dbt / "run_results.json"
    runs: list[dict[str, Any]] = _read(results)["results"] if results.exists() else []
    return runs


def _checks(home: Home, runs: list[dict[str, Any]]) -> list[Check]:
    nodes = _read(home.dbt / "manifest.json")["nodes"]
    return [_check(run, nodes) for run in runs if run["status"] in ("fail", "warn")]


def _check(run: dict[str, Any], nodes: dict[str, Any]) -> Check:
    test = nodes[run["unique_id"]]
    mart = nodes.get(test.get("attached_node"), test)  # a test of its own says itself which dates its rows are about
    return Check(
        unique_id=run["unique_id"],
        name=test["name"],
        is_blocking=run["status"] == "fail",
        row_count=int(run["failures"] or 0),
        query=run["compiled_code"],
        dates=row_dates(mart),
    )


def example_rows(connection: duckdb.DuckDBPyConnection, check: Check) -> list[dict[str, Any]]:
    """The first of the rows that a check found, without who the buyer is: they go to logs and to Dagster's storage."""
    rows = connection.execute(
        f"select to_json(q) from (select {_SHOWN} from ({check.query}) order by all limit {SHOWN_ROWS}) q"
    ).fetchall()
    return [json.loads(row) for (row,) in rows]


def _example(connection: duckdb.DuckDBPyConnection, check: Check) -> str:
    (first,) = connection.execute(f"select min(q)::varchar from (select {_SHOWN} from ({check.query})) q").fetchall()[0]
    return f"{check.row_count:,} rows, such as {first}"


def one_line(message: object) -> str:
    return " ".join(str(message).split())


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
