"""Publishing: the marts as a file of their own for readers, swapped in whole behind HOME/kefu.duckdb."""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb

from orchestration.checks import RowDates, dated_marts
from orchestration.home import Home

STORAGE_VERSION = "v1.0.0"  # so that readers with an older DuckDB open it
HELD_DATES = """(
    select platform, business_date from warehouse.build.held_dates where not (select everything from warehouse.build.request)
    except
    select platform, business_date from warehouse.build.build_dates
)"""  # but for those that this build has mended
KEPT_VERSIONS = 2  # the published one, and the one before for readers that are just opening it


def publish(home: Home) -> Path:
    """Writes the marts aside as the next version and points the link at it. Returns the version's file.

    What rests on a held date stays as it was published last, a figure of a period with such a day in it too.
    """
    version = home.versions / f"kefu-{last_version(home) + 1:06d}.duckdb"
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


def last_version(home: Home) -> int:
    """The number of the newest version; 0 without one."""
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
        dated = dated_marts(home) if _hold_previous(connection, home) else {}
        tables = connection.execute(
            """
            select table_name, sql, comment from duckdb_tables()
            where database_name = 'warehouse' and schema_name = 'marts' order by table_name
            """
        ).fetchall()
        for table, definition, comment in tables:
            connection.execute(definition.replace("CREATE TABLE ", "CREATE TABLE target.", 1))
            connection.execute(f"insert into target.marts.{table} {_rows(table, dated.get(table))}")
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


def _hold_previous(connection: duckdb.DuckDBPyConnection, home: Home) -> bool:
    """Whether dates are held; then the version published last is at hand as `previous`."""
    held = connection.execute(f"select exists (from {HELD_DATES})").fetchall()[0][0]
    if held:
        connection.execute(f"attach {_text(home.published)} as previous (read_only)")
    return bool(held)


def _rows(table: str, dates: RowDates | None) -> str:
    """What to publish of a mart: its rows, but what rests on a held date as it was published last."""
    if dates is None:
        return f"from warehouse.marts.{table}"
    held = dates.within(HELD_DATES)
    return f"""
        select * from warehouse.marts.{table} where not {held}
        union all by name
        select * from previous.marts.{table} where {held}
    """


def _comment(connection: duckdb.DuckDBPyConnection, what: str, comment: str | None) -> None:
    if comment:
        connection.execute(f"comment on {what} is {_text(comment)}")


def _text(value: object) -> str:
    """An SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"
