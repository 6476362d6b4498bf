"""What the last dbt run of a home said of the data: which checks found rows, and of which business dates those are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.home import Home
from orchestration.landing.contract import platforms
from orchestration.privacy.buyers import BUYER_COLUMNS, buyer_key, hashed, is_hidden
from orchestration.sql import name, text

SHOWN_ROWS = 10
TOLD_ROWS = 3  # in a line


@dataclass(frozen=True)
class RowDates:
    """SQL expressions for what a row of a mart is about: its platform, its first and its last business date."""

    platform: str
    first: str
    last: str

    def within(self, dates: str, relation: str) -> str:
        """A condition on a row of `relation`: one of the (platform, business_date) of the relation `dates` is among its dates."""
        named = f"(select platform as of_platform, business_date as of_date from {dates})"
        if self.first == self.last:
            return f"exists (select 1 from {named} where of_platform = {self.platform} and of_date = {self.last})"
        # Millions of rows are of a few periods: these are compared with the dates, and rows with them.
        periods = f"(select distinct {self.platform} as p, {self.first} as first_date, {self.last} as last_date from {relation})"
        return f"""coalesce(({self.platform}, {self.first}, {self.last}) in (
            select p, first_date, last_date
            from {periods} join {named} on of_platform = p and of_date between first_date and last_date
        ), false)"""


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
    """How a mart or a test in dbt's manifest dates its rows, by the meta that macros/checks.sql reads; None where it does not."""
    meta = node["config"]["meta"]
    if "date" not in meta:
        return None
    own = _platform(node)  # a model that is not in a platform's folder has a column
    platform = text(own) if own else "platform"
    return RowDates(platform, meta.get("first_date", meta["date"]), meta["date"])


def _platform(node: dict[str, Any]) -> str:
    """The platform in whose folder a node stands; empty where it is of all."""
    return next((folder for folder in node["fqn"] if folder in platforms()), "")


class LastRun:
    """What the last dbt run of a home came to. Its project and its results are read where they are asked for, once."""

    def __init__(self, home: Home) -> None:
        self.folder = home.dbt

    @cached_property
    def _nodes(self) -> dict[str, Any]:
        nodes: dict[str, Any] = _read(self.folder / "manifest.json")["nodes"]
        return nodes

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        path = self.folder / "run_results.json"
        results: list[dict[str, Any]] = _read(path)["results"] if path.exists() else []
        return results

    def dated_marts(self) -> dict[str, RowDates]:
        """How the rows of each mart are dated, by the mart's name."""
        dated = {node["name"]: row_dates(node) for node in self._nodes.values() if node["resource_type"] == "model"}
        return {name: dates for name, dates in dated.items() if dates}

    def marts(self) -> list[dict[str, Any]]:
        """What the project says of each table that is published: its columns with type, constraints and description."""
        return sorted((node for node in self._nodes.values() if node["schema"] == "marts"), key=lambda node: str(node["name"]))

    def platforms_of_marts(self) -> dict[str, str]:
        """Of which platform a mart's rows are, by the mart's name; empty where each row says so."""
        return {mart["name"]: _platform(mart) for mart in self.marts()}

    def relations(self) -> set[tuple[str, str]]:
        """Schema and name of every table and view that the project makes."""
        return {(node["schema"], node["alias"]) for node in self._nodes.values() if node["resource_type"] in ("model", "seed")}

    def findings(self) -> list[Check]:
        """The checks that found rows; none where a model failed, for then no check speaks of a whole state."""
        return [] if any(result["status"] == "error" for result in self.results) else self._checks()

    def failure(self, connection: duckdb.DuckDBPyConnection) -> str:
        """The first things that failed, each with what it says or the first of its rows; empty where nothing did."""
        failed = [
            f"{_name(result['unique_id'])} failed: {one_line(result['message'])}"
            for result in self.results
            if result["status"] == "error" or (result["status"] == "fail" and not _is_check(result))
        ]
        checks = [f"check {check.name} failed: {_examples(connection, check)}" for check in self._checks() if check.is_blocking]
        return "; ".join([*failed, *checks][:3])

    def warnings(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """A line for each check that warns."""
        checks = [check for check in self.findings() if not check.is_blocking]
        return [f"warning: check {check.name}: {_examples(connection, check)}" for check in checks]

    def _checks(self) -> list[Check]:
        return [self._check(result) for result in self.results if result["status"] in ("fail", "warn") and _is_check(result)]

    def _check(self, result: dict[str, Any]) -> Check:
        test = self._nodes[result["unique_id"]]
        mart = self._nodes.get(test.get("attached_node"), test)  # a test of its own says itself which dates its rows are about
        return Check(
            unique_id=result["unique_id"],
            name=test["name"],
            is_blocking=result["status"] == "fail",
            row_count=int(result["failures"] or 0),
            query=result["compiled_code"],
            dates=row_dates(mart),
        )


def forget_last_run(home: Home) -> None:
    """Removes the last run's results, so that a run which dies before it can tell is not taken for the one before."""
    (home.dbt / "run_results.json").unlink(missing_ok=True)


def _is_check(result: dict[str, Any]) -> bool:
    """Whether a result is that of a data test: a unit test finds no rows of the warehouse."""
    return str(result["unique_id"]).startswith("test.")


def _name(unique_id: str) -> str:
    kind, _, *names = unique_id.split(".")
    return ".".join(names) if kind == "unit_test" else names[0]


def example_rows(connection: duckdb.DuckDBPyConnection, check: Check, limit: int = SHOWN_ROWS) -> list[dict[str, Any]]:
    """The first of the rows that a check found, without who the buyer is: they go to logs and to Dagster's storage."""
    rows, parameters = _shown(connection, check)
    found = connection.execute(f"select to_json(q) from ({rows} order by all limit {limit}) q", parameters).fetchall()
    return [{column: value for column, value in json.loads(row).items() if value is not None} for (row,) in found]


def _examples(connection: duckdb.DuckDBPyConnection, check: Check) -> str:
    """How many rows a check found, and the first of them, each as its columns and values."""
    rows = example_rows(connection, check, TOLD_ROWS)
    told = [", ".join(f"{column}={value}" for column, value in row.items()) for row in rows]
    more = f"; and {check.row_count - len(told):,} more" if check.row_count > len(told) else ""
    return f"{check.row_count:,} row{'' if check.row_count == 1 else 's'}: {'; '.join(told)}{more}"


def _shown(connection: duckdb.DuckDBPyConnection, check: Check) -> tuple[str, dict[str, bytes]]:
    """A query for the rows that a check found, with its parameters: no buyers, and with a key other ids as readers see them."""
    key = buyer_key()
    described = connection.execute(f"describe {check.query}").fetchall()
    columns = {column: key is not None and is_hidden(column) for column, *_ in described if column not in BUYER_COLUMNS}
    told = [f"{hashed(name(column))} as {name(column)}" if hidden else name(column) for column, hidden in columns.items()]
    return f"select {', '.join(told)} from ({check.query})", key.parameters if key and any(columns.values()) else {}


def one_line(message: object) -> str:
    return " ".join(str(message).split())


def _read(path: Path) -> Any:
    return _parsed(path.read_bytes())


@lru_cache(maxsize=2)
def _parsed(content: bytes) -> Any:
    """A file's JSON. A build asks three times for the same manifest of some megabytes."""
    return json.loads(content)
