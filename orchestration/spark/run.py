"""A run of dbt on Spark: what models read goes there before it, and what they made comes back after it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.build.state import opened
from orchestration.home import Home
from orchestration.spark.lake import write_lake, write_sources, write_table
from orchestration.spark.session import register, session
from orchestration.spark.types import read_by_duckdb
from orchestration.sql import name, text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

# Of what models make, the tables from which the pipeline takes rows once they are built: they lie in the warehouse, not in Spark.
KEPT = ("build.touched_dates", "build.touched_pairs", "metrics.int_new_revisions", "metrics.int_changed_metric_days")


@dataclass(frozen=True)
class Made:
    """A table that dbt makes."""

    schema: str
    table: str
    is_seed: bool

    @property
    def relation(self) -> str:
        return f"{self.schema}.{self.table}"


@contextmanager
def on_spark(home: Home, sources: Sequence[str], tables: Sequence[Made], *, anew: bool) -> Iterator[SparkSession]:
    """Opens a session for a run of dbt, before which Spark gets what has landed and the `sources` (schema.table) beside it.

    With `anew` nothing of an earlier build on Spark is there. After the run the warehouse has each table: as a view on the files
    that Spark wrote, or as a table where the pipeline, or dbt on DuckDB, writes into it.
    """
    if anew:
        shutil.rmtree(home.spark, ignore_errors=True)
    with session(home) as spark:
        with opened(home) as state:
            external = [*write_lake(state.connection, home), *write_sources(state.connection, home, sources)]
            register(spark, home, external)
            _give_kept(spark, home, state.connection)
            state.mark_computing(is_whole=False)
        yield spark
        with opened(home) as state:
            _bring_back(spark, home, state.connection, tables)


def _give_kept(spark: SparkSession, home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    """Brings what Spark has of the pipeline's own tables to what the pipeline left in them."""
    for relation in (each for each in KEPT if spark.catalog.tableExists(each)):
        file = home.spark / "sources" / f"{relation}.parquet"
        write_table(connection, relation, file)
        columns = ", ".join(f"`{column}`" for column in spark.table(relation).columns)
        spark.sql(f"insert overwrite table {relation} ({columns}) select {columns} from parquet.`{file}`")


def _bring_back(spark: SparkSession, home: Home, connection: duckdb.DuckDBPyConnection, tables: Sequence[Made]) -> None:
    """Gives the warehouse every table that Spark has."""
    for made in tables:
        relation, folder = made.relation, home.spark / f"{made.schema}.db" / made.table
        if not folder.exists():  # of a selection, or of a run that failed before
            continue
        _drop(connection, made)
        connection.execute(f"create schema if not exists {made.schema}")
        kind = "table" if made.is_seed or relation in KEPT else "view"
        connection.execute(f"create {kind} {relation} as {_rows(home, folder, spark.table(relation).schema)}")


def _drop(connection: duckdb.DuckDBPyConnection, made: Made) -> None:
    found = connection.execute(
        "select table_type from information_schema.tables "
        f"where table_catalog = current_database() and table_schema = {text(made.schema)} and table_name = {text(made.table)}"
    ).fetchall()
    for (kind,) in found:
        connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {made.relation}")


def found_rows(spark: SparkSession, home: Home, check: str, query: str) -> str:
    """Keeps the rows that a check found in Spark. Returns a query of DuckDB's for them."""
    folder = home.spark / "found" / check
    found = spark.sql(query)
    found.write.mode("overwrite").parquet(str(folder))
    return _rows(home, folder, found.schema)


def _rows(home: Home, folder: Path, schema: StructType) -> str:
    """A query of DuckDB's for the rows that Spark wrote into a folder of the home, in DuckDB's types."""
    columns = [(name(field.name), field.dataType.simpleString()) for field in schema]
    values = ", ".join(f"{read_by_duckdb(column, kind)} as {column}" for column, kind in columns)
    if not any(folder.rglob("*.parquet")):
        return f"select {values} from (select {', '.join(f'null as {column}' for column, _ in columns)}) limit 0"
    files = text(f"{folder.relative_to(home.path)}/**/*.parquet")
    return f"select {values} from read_parquet({files}, hive_partitioning = true)"
