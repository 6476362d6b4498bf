"""Publishing: the marts as a file of their own for readers, swapped in whole behind HOME/kefu.duckdb."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.checks import LastRun, RowDates
from orchestration.home import FOR_READERS, Home
from orchestration.privacy.buyers import buyer_key, hashed, is_hidden
from orchestration.sql import name, text

STORAGE_VERSION = "v1.0.0"  # so that readers with an older DuckDB open it
HELD_DATES = """(
    (
        select platform, business_date from warehouse.build.held_dates where not (select everything from warehouse.build.request)
        except
        select platform, business_date from warehouse.build.build_dates
    )
    union
    (
        select platform, business_date from warehouse.raw.doubtful_dates
        except
        select platform, business_date from warehouse.build.build_dates
        where (select not with_touched from warehouse.build.request)
    )
)"""  # but for those that this build has mended; of a doubtful delivery for those that somebody asked for
LANDING = {
    "rejected_rows": (
        "platform, table_name, dt, file, row_number, problem as reason",
        "A row is a delivered row that could not be read (无法读取的行), and why; the row itself stands in raw.rejected_rows of "
        "warehouse.duckdb",
    ),
    "delivered_files": (
        "platform, table_name, dt, file, delivered, landed, replaced, rejected",
        "A row is a delivered file (交付文件), and what became of its rows: landed, replaced by a later row of the dt, rejected",
    ),
}
KEPT_VERSIONS = 2  # the published one, and the one before for readers that are just opening it


def publish(home: Home, *, with_previous: bool, marts: Sequence[str] = ()) -> Path:
    """Writes the marts, or only these, aside as the next version and points the link at it. Returns the version's file.

    What rests on a held date stays as it was published last, a figure of a period with such a day in it too; without the previous
    version, whose ids may be hashed otherwise, it is left out.
    """
    version = home.versions / f"kefu-{last_version(home) + 1:06d}.duckdb"
    aside = version.with_suffix(".new")
    aside.unlink(missing_ok=True)
    _write(home, aside, with_previous, marts)
    with open(aside, "rb") as written:
        os.fsync(written.fileno())
    aside.rename(version)
    version.chmod(FOR_READERS)  # under its own name, which whoever opens the home meanwhile leaves as it is
    link = home.published.with_suffix(".new")
    link.unlink(missing_ok=True)
    link.symlink_to(version.relative_to(home.path))
    link.rename(home.published)
    for old in _versions(home)[:-KEPT_VERSIONS]:
        old.unlink()
    return version


def drop_other_versions(home: Home) -> int:
    """Removes every version but the published one, and what a publishing that died left. Returns how many files."""
    others = [path for path in home.versions.iterdir() if path != home.published.resolve()]
    for path in others:
        path.unlink()
    return len(others)


def _versions(home: Home) -> list[Path]:
    """The published versions, the newest last."""
    return sorted((path for path in home.versions.iterdir() if re.fullmatch(r"kefu-\d{6,}\.duckdb", path.name)), key=_number)


def _number(version: Path) -> int:
    return int(version.stem.removeprefix("kefu-"))


def last_version(home: Home) -> int:
    """The number of the newest version; 0 without one."""
    return max(map(_number, _versions(home)), default=0)


def _write(home: Home, target: Path, with_previous: bool, marts: Sequence[str]) -> None:
    with duckdb.connect(config={"temp_directory": str(home.temporary), "memory_limit": "4GB"}) as connection:
        connection.execute(
            f"""
            attach {text(home.warehouse)} as warehouse (read_only);
            attach {text(target)} as target (storage_version {text(STORAGE_VERSION)});
            create schema target.marts;
            """
        )
        is_any_held = connection.execute(f"select exists (from {HELD_DATES})").fetchall()[0][0]
        last_run = LastRun(home)
        dated = last_run.dated_marts() if is_any_held else {}
        if dated and with_previous:
            connection.execute(f"attach {text(home.published)} as previous (read_only)")
        key = buyer_key()
        for mart in (mart for mart in last_run.marts() if not marts or mart["name"] in marts):
            table, columns = mart["name"], mart["columns"].values()
            hidden = [column["name"] for column in columns if key and is_hidden(column["name"])]
            connection.execute(f"create table target.marts.{table} ({', '.join(map(_definition, columns))})")
            rows = _rows(table, hidden, dated.get(table), with_previous=with_previous)
            connection.execute(f"insert into target.marts.{table} by name {rows}", key.parameters if key and hidden else None)
            connection.execute(f"comment on table target.marts.{table} is {text(mart['description'])}")
            for column in columns:
                described = f"target.marts.{table}.{name(column['name'])}"
                connection.execute(f"comment on column {described} is {text(column['description'])}")
        connection.execute("create schema target.landing")
        for table, (columns, description) in LANDING.items():
            connection.execute(f"create table target.landing.{table} as select {columns} from warehouse.raw.{table} order by all")
            connection.execute(f"comment on table target.landing.{table} is {text(description)}")
        connection.execute("detach target")


def _definition(column: dict[str, Any]) -> str:
    """A column as the marts contract has it: its name, type, and whether it is never null."""
    never_null = any(constraint["type"] == "not_null" for constraint in column["constraints"])
    return f"{name(column['name'])} {column['data_type']}{' not null' if never_null else ''}"


def _rows(table: str, hidden: list[str], dates: RowDates | None, *, with_previous: bool) -> str:
    """A query for what to publish of a mart: its rows, hidden ids hashed; what rests on a held date as before."""
    replaced = f"* replace ({', '.join(f'{hashed(column)} as {column}' for column in hidden)})" if hidden else "*"
    rows = f"select {replaced} from warehouse.marts.{table}"
    if dates is None:
        return rows
    held = dates.within(HELD_DATES)
    before = f"union all by name select * from previous.marts.{table} where {held}" if with_previous else ""
    return f"{rows} where not {held} {before}"
