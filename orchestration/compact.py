"""`kefu compact`: the files of a home as small as those of a fresh one.

A database keeps the room of rows that went, and what builds took meanwhile. It is written anew aside and takes its place whole: a
compaction that dies leaves a file as it was or as it is to be.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb

from orchestration.build.publish import STORAGE_VERSION, Versions
from orchestration.build.state import prepared
from orchestration.build.steps import Report
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer, open_home, scratch
from orchestration.sql import name, text

MOST_GROWTH = 1.15  # of a file since it was last written whole; above it the nightly upkeep writes it anew
OF_DAGSTER = ("history/runs/index.db", "history/runs.db", "schedules/schedules.db")  # what grows with runs and sheds rows again
PATIENCE_SECONDS = 60.0  # for which a file of SQLite is waited for
CATALOGUE = """
    select 'table' as kind, schema_name, table_name as named, null as part, comment, sql as said from duckdb_tables()
    where database_name = $1
    union all
    select 'view', schema_name, view_name, null, comment, null from duckdb_views() where database_name = $1 and not internal
    union all
    select 'column', schema_name, table_name, column_name, comment, concat_ws(' ', data_type, is_nullable, column_default)
    from duckdb_columns() where database_name = $1
    union all
    select 'constraint', schema_name, table_name, constraint_type, null, constraint_text from duckdb_constraints()
    where database_name = $1
    union all
    select 'index', schema_name, table_name, index_name, comment, sql from duckdb_indexes() where database_name = $1
    union all
    select 'sequence', schema_name, sequence_name, null, comment, sql from duckdb_sequences() where database_name = $1
    order by all
"""  # of a view not its text, in which DuckDB puts what it replaces into any order


def compact(home_path: Path, report: Report) -> None:
    """Writes a home's databases anew and removes the versions before the published one, and says what that saved.

    KefuError where it is no home that was built, or while another writes to it.
    """
    if not (home_path / "warehouse.duckdb").exists():
        raise KefuError(f"--home {home_path} holds no warehouse: there is nothing to compact")
    home = open_home(home_path)
    with one_writer(home):
        _compact(home, report, only_grown=False)


def compact_grown(home: Home, report: Report) -> None:
    """Does so with what has grown since it was last written whole. The caller holds the home's lock."""
    if home.warehouse.exists():
        _compact(home, report, only_grown=True)


def _compact(home: Home, report: Report, *, only_grown: bool) -> None:
    with prepared(home) as state:
        sizes = state.sizes_written_whole()
    _drop_older_versions(home, report)
    for file, write_anew in ((home.published, write_published_anew), (home.warehouse, write_warehouse_anew)):
        before = _size(file) if file.exists() else 0
        if before > (MOST_GROWTH * sizes.get(file.name, 0) if only_grown else 0):
            write_anew(home)
            _tell(home, file.resolve(), before, report)
            with prepared(home) as state:
                state.mark_written_whole(file.name, _size(file))
    for file in (home.dagster / each for each in OF_DAGSTER):
        if file.exists() and (before := _size(file)) and _vacuumed(file):
            _tell(home, file, before, report)


def write_warehouse_anew(home: Home) -> None:
    """Writes the warehouse without the bytes of deleted rows. The caller holds the home's lock."""
    with home.connect() as connection:
        connection.execute("checkpoint")
    _write_anew(home, home.warehouse)


def write_published_anew(home: Home) -> None:
    """Writes the published version anew under its name: readers who have it open keep what they opened."""
    _write_anew(home, home.published.resolve(), f"(storage_version {text(STORAGE_VERSION)})")
    with prepared(home) as state:
        state.mark_version_whole()


def _write_anew(home: Home, file: Path, options: str = "") -> None:
    """Copies a database to a file aside, looks whether everything is in it, and puts it in place with the modes that it had."""
    mode = file.stat().st_mode
    with scratch(home.temporary) as folder:
        aside = Path(folder, file.name)
        try:
            with duckdb.connect(config=home.settings) as connection:
                connection.execute(f"attach {text(file)} as warehouse (read_only); attach {text(aside)} as compacted {options}")
                connection.execute("copy from database warehouse to compacted; checkpoint compacted")
                _check_same(connection, file)
        except duckdb.Error as error:  # such as a full disk, of which the message tells last
            raise KefuError(f"{file} stays as it is: its copy cannot be written: {str(error).rpartition(': ')[2]}") from error
        with open(aside, "rb") as written:
            os.fsync(written.fileno())
        aside.chmod(mode)
        aside.replace(file)
    file.chmod(mode)  # again: whoever opened the home meanwhile has closed what lay among its temporary files


def _check_same(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Raises a KefuError where a copy has other tables, views, columns or constraints, or a table with more or fewer rows."""
    found, copied = (connection.execute(CATALOGUE, [database]).fetchall() for database in ("warehouse", "compacted"))
    for each, copy in zip(found, copied, strict=False):
        if each != copy:
            raise KefuError(f"{file} stays as it is: its copy differs in {each[0]} {each[1]}.{each[2]}")
    if len(found) != len(copied):
        raise KefuError(f"{file} stays as it is: its copy has {len(copied):,} of {len(found):,} things")
    for table in (f"{name(schema)}.{name(table)}" for kind, schema, table, *_ in found if kind == "table"):
        counts = f"(select count(*) from warehouse.{table}), (select count(*) from compacted.{table})"
        rows, copied_rows = connection.execute(f"select {counts}").fetchall()[0]
        if rows != copied_rows:
            raise KefuError(f"{file} stays as it is: its copy has {copied_rows:,} of {rows:,} rows of {table}")


def _drop_older_versions(home: Home, report: Report) -> None:
    """Removes what was published before: whoever still reads it keeps what they opened."""
    for version in Versions(home.published, home.versions).all():
        if version != home.published.resolve():
            report(f"removed {version.relative_to(home.path)}, published before: {_size(version) / 2**20:,.1f} MiB")
            version.unlink()


def _vacuumed(file: Path) -> bool:
    """Writes a file of SQLite anew where more of it is free than what it may have grown by. Returns whether it was."""
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS, isolation_level=None)) as connection:
            pages, free = (connection.execute(f"pragma {each}_count").fetchone()[0] for each in ("page", "freelist"))
            if pages <= MOST_GROWTH * (pages - free):
                return False
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
            return True
    except sqlite3.Error as error:
        raise KefuError(f"{file} cannot be compacted: {error}") from error


def _tell(home: Home, file: Path, before: int, report: Report) -> None:
    report(f"compacted {file.relative_to(home.path)}: {before / 2**20:,.1f} MiB, now {_size(file) / 2**20:,.1f} MiB")


def _size(file: Path) -> int:
    return file.stat().st_size
