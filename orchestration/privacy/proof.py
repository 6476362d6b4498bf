"""The proof: every place that may hold a buyer's id is searched again, after the fact, and what is left is named."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from orchestration.home import PROJECT, Home
from orchestration.landing.contract import contract
from orchestration.landing.deliveries import Inventory
from orchestration.privacy.files import names_buyer, search
from orchestration.privacy.traces import Buyer, Rule, is_staff_id
from orchestration.sql import name, text


@dataclass(frozen=True)
class Searched:
    """A place, how much of it was searched, and where in it there is a trace."""

    place: str
    extent: str
    traces: tuple[str, ...]


def search_landing(landing: Path, inventory: Inventory, rules: dict[str, Rule]) -> Searched:
    """Searches delivered files row by row, whatever else lies there word by word."""
    known, traces, rows = set(), [], 0
    with duckdb.connect() as connection:
        for delivery in inventory.deliveries:
            for file in delivery.files:
                known.add(file.path)
                found = search(connection, file, rules[delivery.table.relation])
                rows += found.rows
                if found.any:
                    traces.append(f"{file.name}: {found.removed + found.blanked} rows")
    buyer = next(iter(rules.values())).buyer
    others = [path for path in _files(landing.absolute()) if path not in known]
    traces += [str(path.relative_to(landing.absolute())) for path in others if _holds(path, buyer)]
    return Searched("landing", f"{len(known) + len(others):,} files, {rows:,} rows", tuple(traces))


def rejected_traces(connection: duckdb.DuckDBPyConnection, rules: dict[str, Rule]) -> list[int]:
    """The rejected rows that name the buyer, by rowid: columns tell, as an id may be a part of another buyer's."""
    word = next(iter(rules.values())).buyer.sql_word
    named = connection.execute(
        f"select rowid, platform || '_' || table_name, raw_row from raw.rejected_rows where regexp_matches(raw_row, {word})"
    ).fetchall()
    return [number for number, relation, raw_row in named if names_buyer(raw_row, rules[relation])]


def search_database(path: Path, place: str, buyer: Buyer, rules: dict[str, Rule]) -> Searched:
    """Searches every text column, lists too, of every table: values that are the id; in texts also the word."""
    traces, searched, rows = [], 0, 0
    ids = ", ".join(text(value) for value in (buyer.id, buyer.published_hash) if value)
    with duckdb.connect(str(path), read_only=True, config={"file_search_path": str(path.parent)}) as connection:
        for table, columns in text_columns(connection, with_views_on_files=True).items():
            searched += len(columns)
            counts = ", ".join(f"count(*) filter (where {_is_trace(*column, ids, buyer)})" for column in columns)
            total, *found = connection.execute(f"select count(*), {counts} from {table}").fetchall()[0]
            rows += total
            if ("raw_row", "VARCHAR") in columns:
                found[columns.index(("raw_row", "VARCHAR"))] = len(rejected_traces(connection, rules))
            traces += [f"{table}.{column}: {count} rows" for (column, _), count in zip(columns, found, strict=True) if count]
    return Searched(place, f"{searched:,} text columns, {rows:,} rows", tuple(traces))


def text_columns(connection: duckdb.DuckDBPyConnection, *, with_views_on_files: bool = False) -> dict[str, list[tuple[str, str]]]:
    """The columns that hold texts and may name a buyer, with their types, by table; also of what Spark keeps in files."""
    views = "contains(sql, 'read_parquet')" if with_views_on_files else "false"
    found = connection.execute(
        f"""
        select c.schema_name, c.table_name, c.column_name, c.data_type
        from duckdb_columns() c
        join (
            select database_name, schema_name, table_name from duckdb_tables()
            union all
            select database_name, schema_name, view_name from duckdb_views() where {views}
        ) t using (database_name, schema_name, table_name)
        where not c.internal and contains(c.data_type, 'VARCHAR')
        order by all
        """
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for schema, table, column, data_type in found:
        if not is_staff_id(column):
            tables.setdefault(f"{schema}.{name(table)}", []).append((column, data_type))
    return tables


@cache
def _free_texts() -> frozenset[str]:
    """Columns in which an id is looked for as a word: what people wrote, and rows that could not be read."""
    written = (column.name for table in contract().values() for column in table.columns if column.is_free_text)
    return frozenset({*written, "raw_row"})


def _is_trace(column: str, data_type: str, ids: str, buyer: Buyer) -> str:
    if data_type == "VARCHAR":
        is_id = f"{name(column)} in ({ids})"
        return f"{is_id} or regexp_matches({name(column)}, {buyer.sql_word})" if column in _free_texts() else is_id
    if data_type == "VARCHAR[]":
        return f"list_has_any({name(column)}, [{ids}])"
    return f"regexp_matches({name(column)}::varchar, {buyer.sql_word})"


def search_home(home: Home, buyer: Buyer) -> Searched:
    """Searches every other file of the home, as bytes: logs, what dbt and Dagster keep."""
    files = list(other_files(home))
    traces = [str(path.relative_to(home.path)) for path in files if is_trace(home, path, buyer)]
    return Searched("other files of the home", f"{len(files):,} files", tuple(traces))


def other_files(home: Home) -> Iterator[Path]:
    """All files but the databases that are searched as such, and the lock, which holds a number of a process."""
    apart = {home.warehouse, home.published.resolve(), home.published, home.path / "writer.lock"}
    return (path for path in _files(home.path) if path not in apart)


def is_trace(home: Home, path: Path, buyer: Buyer) -> bool:
    """Whether a file names the buyer. What dbt makes of the project names the examples of the project's own tests."""
    return _holds(path, buyer) and not (path.is_relative_to(home.dbt) and _is_in_project(buyer))


@cache
def _is_in_project(buyer: Buyer) -> bool:
    folders = (PROJECT / folder for folder in ("models", "macros", "seeds", "tests/dbt"))
    return any(_holds(path, buyer) for folder in folders for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, through links too, each folder once."""
    seen = set[Path]()
    for parent, folders, files in os.walk(folder, followlinks=True):
        seen.add(Path(parent).resolve())
        folders[:] = [below for below in folders if Path(parent, below).resolve() not in seen]
        yield from (Path(parent, file) for file in sorted(files))


def _holds(path: Path, buyer: Buyer) -> bool:
    content = path.read_bytes()
    if path.suffix == ".gz":
        with suppress(OSError, EOFError, zlib.error):  # no gzip after all: searched as it is
            content = gzip.decompress(content)
    return bool(buyer.word_in_bytes.search(content))
