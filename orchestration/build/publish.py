"""Publishing: the marts as a file of their own for readers, swapped in whole behind HOME/kefu.duckdb."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.checks import LastRun, RowDates
from orchestration.home import FOR_READERS, Home
from orchestration.privacy.buyers import BUYER_COLUMNS, BuyerKey, buyer_key, hashed
from orchestration.sql import name, text

STORAGE_VERSION = "v1.0.0"  # so that readers with an older DuckDB open it
STAFF_IDS = ("shop_id", "account_id", "agent_id")
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


def publish(home: Home, *, with_previous: bool) -> Path:
    """Writes the marts aside as the next version and points the link at it. Returns the version's file.

    What rests on a held date stays as it was published last, a figure of a period with such a day in it too; without the previous
    version, whose ids may be hashed otherwise, it is left out.
    """
    version = home.versions / f"kefu-{last_version(home) + 1:06d}.duckdb"
    aside = version.with_suffix(".new")
    aside.unlink(missing_ok=True)
    _write(home, aside, with_previous=with_previous)
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
    return sorted(path for path in home.versions.iterdir() if re.fullmatch(r"kefu-\d{6,}\.duckdb", path.name))


def last_version(home: Home) -> int:
    """The number of the newest version; 0 without one."""
    return max((int(path.stem.split("-")[1]) for path in _versions(home)), default=0)


def _write(home: Home, target: Path, *, with_previous: bool) -> None:
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
        hidden = _columns_to_hash(connection, key) if key else {}
        for mart in last_run.marts():
            table, columns = mart["name"], mart["columns"].values()
            connection.execute(f"create table target.marts.{table} ({', '.join(map(_definition, columns))})")
            rows = _rows(table, hidden.get(table), dated.get(table), with_previous=with_previous)
            parameters = key.parameters if key and table in hidden else None
            connection.execute(f"insert into target.marts.{table} by name {rows}", parameters)
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


def _rows(table: str, hidden: dict[str, str] | None, dates: RowDates | None, *, with_previous: bool) -> str:
    """A query for what to publish of a mart: its rows, some columns replaced; what rests on a held date as before."""
    replaced = f"* replace ({', '.join(f'{value} as {column}' for column, value in hidden.items())})" if hidden else "*"
    rows = f"select {replaced} from warehouse.marts.{table}"
    if dates is None:
        return rows
    held = dates.within(HELD_DATES)
    before = f"union all by name select * from previous.marts.{table} where {held}" if with_previous else ""
    return f"{rows} where not {held} {before}"


def _columns_to_hash(connection: duckdb.DuckDBPyConnection, key: BuyerKey) -> dict[str, dict[str, str]]:
    """The columns that tell who a buyer is, by mart, each with what is published instead.

    Those are buyers' ids, and values of other ids that hold one: some exports name a conversation after its buyer. Such a value
    is hashed as a whole, on every mart, so that marts still join. Ids of shops and accounts are no buyers'.
    """
    found = connection.execute(
        """
        select table_name, list(column_name order by column_index)
        from duckdb_columns()
        where database_name = 'warehouse' and schema_name = 'marts' and data_type = 'VARCHAR' and ends_with(column_name, '_id')
        group by table_name
        """
    ).fetchall()
    ids = {table: [column for column in columns if column not in STAFF_IDS] for table, columns in found}
    connection.execute("create temp table telling (column_name varchar, value varchar)")
    for table, columns in ids.items():
        buyer = next((column for column in columns if column in BUYER_COLUMNS), None)
        for column in columns:
            if buyer and column != buyer:
                connection.execute(
                    f"""
                    insert into telling
                    select distinct {text(column)}, {column} from warehouse.marts.{table}
                    where
                        contains({column}, {buyer})
                        and regexp_matches({column}, '(^|[^A-Za-z0-9])' || regexp_escape({buyer}) || '([^A-Za-z0-9]|$)')
                    """
                )
    telling = {column for (column,) in connection.execute("select distinct column_name from telling").fetchall()}
    hidden = {
        table: {
            column: hashed(column)
            if column in BUYER_COLUMNS
            else f"case when {column} in (select value from telling where column_name = {text(column)}) "
            f"then {hashed(column)} else {column} end"
            for column in columns
            if column in BUYER_COLUMNS or column in telling
        }
        for table, columns in ids.items()
    }
    return {table: columns for table, columns in hidden.items() if columns}
