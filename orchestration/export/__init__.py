"""`kefu publish`: the marts that a home has published, for tools that do not read DuckDB: in PostgreSQL, or as Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from orchestration.build.checks import LastRun
from orchestration.home import Home
from orchestration.sql import name, text

MARTS = "marts"  # the schema, of the published file as of what is made of it


@dataclass(frozen=True)
class Column:
    name: str
    data_type: str  # as DuckDB calls it
    is_never_null: bool
    comment: str


@dataclass(frozen=True)
class Mart:
    name: str
    comment: str
    columns: Sequence[Column]
    platform: str  # whose rows it holds; empty where it holds those of all, of which each says so in column platform

    @property
    def relation(self) -> str:
        """The mart in a connection to what is published."""
        return f"published.{MARTS}.{name(self.name)}"

    def has(self, column: str) -> bool:
        return any(each.name == column for each in self.columns)


@contextmanager
def published(home: Home) -> Iterator[tuple[duckdb.DuckDBPyConnection, Sequence[Mart]]]:
    """Opens what a home has published, the same version until it is closed, and what its marts are."""
    with duckdb.connect(config={"temp_directory": str(home.temporary), "memory_limit": "2GB"}) as connection:
        connection.execute(f"attach {text(home.published.resolve())} as published (read_only)")
        columns: dict[str, list[Column]] = {}
        found = connection.execute(
            """
            select table_name, column_name, data_type, not is_nullable, coalesce(comment, '')
            from duckdb_columns() where database_name = 'published' and schema_name = ? order by table_name, column_index
            """,
            [MARTS],
        )
        for mart, *column in found.fetchall():
            columns.setdefault(mart, []).append(Column(*column))
        comments = connection.execute(
            "select table_name, coalesce(comment, '') from duckdb_tables() where database_name = 'published' and schema_name = ?",
            [MARTS],
        )
        described = dict(comments.fetchall())
        platform_of = LastRun(home).platforms_of_marts()
        yield connection, [Mart(mart, described[mart], columns[mart], platform_of[mart]) for mart in sorted(columns)]
