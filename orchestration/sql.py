"""Values and names as SQL writes them: nothing else in kefu puts quotes around either. And rows as Python takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import duckdb


def text(value: object) -> str:
    """An SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def name(identifier: str) -> str:
    """An SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def json_rows(columns: Mapping[str, str]) -> str:
    """A query for the rows of the JSON text $rows, a list of objects with these columns of these types.

    DuckDB looks for pandas anew with each Python value that it is given, so that many of them are slow.
    """
    return f"select unnest(from_json($rows, {text(json.dumps([dict(columns)]))}), max_depth := 2)"


def dicts(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a query that was executed, by their columns."""
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
