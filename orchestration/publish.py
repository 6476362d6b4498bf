"""Publishing: the marts as a file of their own for readers, swapped in whole behind HOME/kefu.duckdb."""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb

from orchestration.home import Home

STORAGE_VERSION = "v1.0.0"  # so that readers with an older DuckDB open it
KEPT_VERSIONS = 2  # the published one, and the one before for readers that are just opening it


def publish(home: Home) -> Path:
    """Writes the marts aside as the next version and points the link at it. Returns the version's file."""
    version = home.versions / f"kefu-{_last_version(home) + 1:06d}.duckdb"
    aside = version.with_suffix(".new")
    aside.unlink(missing_ok=True)
    _write(home, aside)
    with open(aside, "rb") as written:
        os.fsync(written.fileno())
    aside.rename(version)
    link = home.published.with_suffix(".new")
    link.unlink(missing_ok=True)
    link.symlink_to(version.relative_to(home.path))
    link.rename(home.published)
    for old in _versions(home)[:-KEPT_VERSIONS]:
        old.unlink()
    return version


def _versions(home: Home) -> list[Path]:
    return sorted(path for path in home.versions.iterdir() if re.fullmatch(r"kefu-\d{6,}\.duckdb", path.name))


def _last_version(home: Home) -> int:
    return max((int(path.stem.split("-")[1]) for path in _versions(home)), default=0)


def _write(home: Home, target: Path) -> None:
    with duckdb.connect(config={"temp_directory": str(home.temporary), "memory_limit": "4GB"}) as connection:
        connection.execute(
            f"""
            attach {_text(home.warehouse)} as warehouse (read_only);
            attach {_text(target)} as target (storage_version '{STORAGE_VERSION}');
            create schema target.marts;
            """
        )
        tables = connection.execute(
            """
            select table_name, sql, comment from duckdb_tables()
            where database_name = 'warehouse' and schema_name = 'marts' order by table_name
            """
        ).fetchall()
        for table, definition, comment in tables:
            connection.execute(definition.replace("CREATE TABLE ", "CREATE TABLE target.", 1))
            connection.execute(f"insert into target.marts.{table} from warehouse.marts.{table}")
            _comment(connection, f"table target.marts.{table}", comment)
        columns = connection.execute(
            """
            select table_name, column_name, comment from duckdb_columns()
            where database_name = 'warehouse' and schema_name = 'marts'
            """
        ).fetchall()
        for table, column, comment in columns:
            _comment(connection, f'column target.marts.{table}."{column}"', comment)
        connection.execute("detach target")


def _comment(connection: duckdb.DuckDBPyConnection, what: str, comment: str | None) -> None:
    if comment:
        connection.execute(f"comment on {what} is {_text(comment)}")


def _text(value: object) -> str:
    """An SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"
