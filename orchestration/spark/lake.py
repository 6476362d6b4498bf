"""HOME/lake: what stands of each delivered table, as Parquet files that Spark reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.home import Home, scratch
from orchestration.landing.contract import Table, contract
from orchestration.spark.types import of_spark
from orchestration.sql import name, text


@dataclass(frozen=True)
class External:
    """Files of one table, and how Spark calls it."""

    relation: str
    columns: str  # with types of Spark
    folder: Path


def write_lake(connection: duckdb.DuckDBPyConnection, home: Home) -> Iterator[External]:
    """Brings the lake to what stands: for each dt of a table a folder that is named after its content, so that a dt whose rows
    are the same is not written again. It comes into place whole.
    """
    for table in contract().values():
        folder = home.lake / table.platform / table.name
        columns = ", ".join(name(column.name) for column in table.columns)
        standing = connection.execute(
            f"select _dt, bit_xor(hash({columns})) from raw.{table.relation} where _stands group by all"
        ).fetchall()
        wanted = {folder / f"dt={dt}" / f"{digest:016x}": dt for dt, digest in standing}
        there = set(folder.glob("dt=*/*"))
        if missing := {path: dt for path, dt in wanted.items() if path not in there}:
            _write(connection, home, table, missing)
        for path in there - wanted.keys():
            shutil.rmtree(path)
        folder.mkdir(parents=True, exist_ok=True)
        yield External(f"staging.{table.relation}", _typed(connection, f"staging.{table.relation}"), folder)


def write_sources(connection: duckdb.DuckDBPyConnection, home: Home, relations: Sequence[str]) -> Iterator[External]:
    """Writes what the pipeline keeps of itself, which models read as well: small tables, whole."""
    shutil.rmtree(home.spark / "sources", ignore_errors=True)
    for relation in relations:
        folder = home.spark / "sources" / relation
        folder.mkdir(parents=True)
        write_table(connection, relation, folder / "rows.parquet")
        yield External(relation, _typed(connection, relation), folder)


def write_table(connection: duckdb.DuckDBPyConnection, relation: str, file: Path) -> None:
    """Writes a table's rows as a Parquet file. What a view gives, it gives once: views here list what any row names."""
    described = connection.execute(f"describe {relation}").fetchall()
    # Parquet has no integers as large as DuckDB's.
    values = [f"{name(c)}::decimal(38, 0) as {name(c)}" if kind == "HUGEINT" else name(c) for c, kind, *_ in described]
    connection.execute(f"copy (select distinct {', '.join(values)} from {relation}) to {text(file)} (format parquet)")


def _write(connection: duckdb.DuckDBPyConnection, home: Home, table: Table, wanted: dict[Path, date]) -> None:
    """Writes the folders of some dts aside and moves each in place."""
    columns = ", ".join(name(column.name) for column in table.columns)
    dts = ", ".join(f"date {text(dt)}" for dt in wanted.values())
    with scratch(home.temporary) as aside:
        connection.execute(
            f"""
            copy (select {columns}, _dt as dt from raw.{table.relation} where _stands and _dt in ({dts}))
            to {text(aside)} (format parquet, partition_by (dt), overwrite_or_ignore)
            """
        )
        for path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            Path(aside, path.parent.name).rename(path)


def _typed(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    described = connection.execute(f"describe {relation}").fetchall()
    return ", ".join(f"`{column}` {of_spark(data_type)}" for column, data_type, *_ in described)
