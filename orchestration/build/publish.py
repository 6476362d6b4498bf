"""Publishing: the marts as a file of their own for readers, swapped in whole behind HOME/kefu.duckdb."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.checks import LastRun, RowDates, row_dates
from orchestration.home import FOR_READERS, Home, point
from orchestration.privacy.buyers import buyer_key, is_hidden, with_hashed
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
MOST_REPLACED_SHARE = 0.1  # of a version's rows, whose places stay empty in it; above it is written whole again
KEPT_VERSIONS = 2  # the published one, and the one before for readers that are just opening it


@dataclass(frozen=True)
class Version:
    """A published version: its number, and how it came to its rows."""

    number: int
    has_every_mart: bool
    is_copy: bool  # of the version before, with other rows: what went may still lie in the file, where no table reads it
    replaced_rows: int  # since a version was last written whole
    held_dates: Sequence[tuple[str, date]] = ()  # on which it has the rows of a version before


def publish(home: Home, *, with_previous: bool, marts: Sequence[str] = (), base: Version | None = None) -> Version:
    """Writes the marts, or only these, aside as the next version and points the link at it.

    With `base`, which is the published version as the last build left it, a mart that tells in meta on which dates it is
    `rebuilt` gets only its rows of these dates anew, in a copy of that version.

    What rests on a held date stays as it was published last, a figure of a period with such a day in it too; without the previous
    version, whose ids may be hashed otherwise, it is left out.
    """
    versions = Versions(home.published, home.versions)
    number = versions.last() + 1
    aside = versions.aside(number)
    replaced_rows, held_dates = _write(home, aside, with_previous, marts, base)
    versions.swap_in(aside)
    return Version(number, not marts, base is not None, replaced_rows, held_dates)


@dataclass(frozen=True)
class Versions:
    """The files that a link of the home leads to, one after the other: for NAME.duckdb FOLDER/NAME-000001.duckdb and so on."""

    link: Path
    folder: Path

    def aside(self, number: int) -> Path:
        """Where to write a version before anybody reads it; what a process that died left there is gone."""
        aside = self.folder / f"{self.link.stem}-{number:06d}.new"
        aside.unlink(missing_ok=True)
        return aside

    def swap_in(self, aside: Path) -> None:
        """Gives a version its name, points the link at it, and removes those before the one before."""
        version = aside.with_suffix(self.link.suffix)
        with open(aside, "rb") as written:
            os.fsync(written.fileno())
        aside.rename(version)
        version.chmod(FOR_READERS)  # under its own name, which whoever opens the home meanwhile leaves as it is
        point(self.link, version)
        for old in self.all()[:-KEPT_VERSIONS]:
            old.unlink()

    def all(self) -> list[Path]:
        """The versions that are there, the newest last."""
        pattern = rf"{self.link.stem}-\d{{6,}}{self.link.suffix}"
        return sorted((path for path in self.folder.iterdir() if re.fullmatch(pattern, path.name)), key=self._number)

    def last(self) -> int:
        """The number of the newest version; 0 without one."""
        return max(map(self._number, self.all()), default=0)

    def _number(self, version: Path) -> int:
        return int(version.stem.removeprefix(f"{self.link.stem}-"))


def drop_other_versions(home: Home) -> int:
    """Removes every version but the published one, and what a publishing that died left. Returns how many files."""
    others = [path for path in home.versions.iterdir() if path != home.published.resolve()]
    for path in others:
        path.unlink()
    return len(others)


def last_version(home: Home) -> int:
    """The number of the newest published version; 0 without one."""
    return Versions(home.published, home.versions).last()


def create_table(connection: duckdb.DuckDBPyConnection, relation: str, described: dict[str, Any]) -> None:
    """Makes an empty table for readers, with the columns, types and descriptions that the project gives it."""
    columns = described["columns"].values()
    connection.execute(f"create or replace table {relation} ({', '.join(map(_definition, columns))})")
    connection.execute(f"comment on table {relation} is {text(described['description'])}")
    for column in columns:
        connection.execute(f"comment on column {relation}.{name(column['name'])} is {text(column['description'])}")


def hidden_columns(described: dict[str, Any]) -> list[str]:
    """The columns of a table whose ids readers get hashed, where there is a key."""
    return [column for column in described["columns"] if is_hidden(column)] if buyer_key() else []


def _write(
    home: Home, target: Path, with_previous: bool, marts: Sequence[str], base: Version | None
) -> tuple[int, list[tuple[str, date]]]:
    """Returns how many rows were replaced since a version was written whole, and the dates that are held."""
    with duckdb.connect(config=home.settings | {"preserve_insertion_order": "false"}) as connection:
        connection.execute(f"attach {text(home.warehouse)} as warehouse (read_only)")
        held_dates = connection.execute(f"select platform, business_date from {HELD_DATES} order by all").fetchall()
        if base:
            shutil.copyfile(home.published, target)
        connection.execute(
            f"""
            attach {text(target)} as target (storage_version {text(STORAGE_VERSION)});
            create schema if not exists target.marts;
            create schema if not exists target.landing;
            """
        )
        replaced_rows = base.replaced_rows if base else 0
        last_run = LastRun(home)
        dated = last_run.dated_marts() if held_dates else {}
        if dated and with_previous:
            connection.execute(f"attach {text(home.published)} as previous (read_only)")
        key = buyer_key()
        for mart in (mart for mart in last_run.marts() if not marts or mart["name"] in marts):
            table, hidden = mart["name"], hidden_columns(mart)
            there = f"target.marts.{table}"
            is_rebuilt = base and "rebuilt" in mart["config"]["meta"]
            if is_rebuilt:
                changed = f"delete from {there} where {_rebuilt(mart, dated.get(table), there)}"
                replaced_rows += connection.execute(changed).fetchall()[0][0]
                built = _rebuilt(mart, dated.get(table), f"warehouse.marts.{table}")
                rows = _rows(table, hidden, None, with_previous=False) + f" where {built}"
            else:
                create_table(connection, there, mart)
                rows = _rows(table, hidden, dated.get(table), with_previous=with_previous)
            connection.execute(f"insert into {there} by name {rows}", key.parameters if key and hidden else None)
        for table, (columns, description) in LANDING.items():
            connection.execute(
                f"create or replace table target.landing.{table} as select {columns} from warehouse.raw.{table} order by all"
            )
            connection.execute(f"comment on table target.landing.{table} is {text(description)}")
        connection.execute("detach target")
    return replaced_rows, held_dates


def _rebuilt(mart: dict[str, Any], held: RowDates | None, relation: str) -> str:
    """A condition for the rows of a mart, in that relation, that differ from those of the version before.

    These are of the dates that this build wrote, and of those that were held then, but for what is held now.
    """
    dates, rebuilt = row_dates(mart), mart["config"]["meta"]["rebuilt"]
    if dates is None:
        raise ValueError(f"{mart['name']} says on which dates it is rebuilt, and not in meta of which date a row is")
    written = f"(from warehouse.{rebuilt} union all select platform, business_date from warehouse.build.published_held_dates)"
    is_held = f" and not {held.within(HELD_DATES, relation)}" if held else ""
    return dates.within(written, relation) + is_held


def is_worth_a_base(home: Home, version: Version) -> bool:
    """Whether little enough of a version was replaced for the next one to be made from it."""
    with duckdb.connect(str(home.published), read_only=True) as connection:
        ((rows,),) = connection.execute("select sum(estimated_size) from duckdb_tables()").fetchall()
    return bool(version.replaced_rows <= MOST_REPLACED_SHARE * rows)


def _definition(column: dict[str, Any]) -> str:
    """A column as the marts contract has it: its name, type, and whether it is never null."""
    never_null = any(constraint["type"] == "not_null" for constraint in column["constraints"])
    return f"{name(column['name'])} {column['data_type']}{' not null' if never_null else ''}"


def _rows(table: str, hidden: Sequence[str], dates: RowDates | None, *, with_previous: bool) -> str:
    """A query for what to publish of a mart: its rows, hidden ids hashed; what rests on a held date as before."""
    rows = f"select {with_hashed(hidden)} from warehouse.marts.{table}"
    if dates is None:
        return rows
    held = dates.within(HELD_DATES, f"warehouse.marts.{table}")
    held_before = dates.within(HELD_DATES, f"previous.marts.{table}")
    before = f"union all by name select * from previous.marts.{table} where {held_before}" if with_previous else ""
    return f"{rows} where not {held} {before}"
