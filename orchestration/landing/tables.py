"""The tables into which deliveries land, and what becomes of them where the contract is another one than when they were made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.landing import columns
from orchestration.landing.contract import Table, contract, settings
from orchestration.sql import name, text


@contextmanager
def empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens tables in memory, with Beijing time as the session's zone: into them deliveries land on trial, beside any home."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'Asia/Shanghai'")
        create_tables(connection)
        yield connection


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes schemas raw, changed and staging, with every table of the contract."""
    for schema in ("raw", "changed", "staging"):
        connection.execute(f"create schema if not exists {schema}")
    connection.execute(
        """
        create table if not exists raw.deliveries (
            platform varchar, table_name varchar, dt date, signature varchar, files integer, row_count bigint,
            rejected_row_count bigint, newest_event_at timestamp, unknown_columns varchar[],
            landed_at timestamp
        );
        create table if not exists raw.rejected_rows (
            platform varchar, table_name varchar, dt date, file varchar, row_number bigint, reason varchar, raw_row varchar
        );
        alter table raw.rejected_rows add column if not exists problem varchar;
        create table if not exists raw.replaced_rows (
            platform varchar, table_name varchar, dt date, file varchar, row_number bigint, by_file varchar,
            by_row_number bigint, is_same boolean
        );
        create table if not exists raw.delivered_files (
            platform varchar, table_name varchar, dt date, file varchar, delivered bigint, landed bigint, replaced bigint,
            rejected bigint
        );
        create table if not exists raw.doubtful_dates (
            platform varchar, table_name varchar, dt date, business_date date, cause varchar
        );
        create table if not exists raw.unreadable (platform varchar, error varchar);
        create table if not exists raw.read_with (platform varchar, table_name varchar, fingerprint varchar);
        """
    )
    read_with = connection.execute("select platform, table_name, fingerprint from raw.read_with").fetchall()
    for table in contract().values():
        _create_table(connection, table, is_followed=(table.platform, table.name, _fingerprint(table)) in read_with)
    daily = ", ".join(f"({text(table.platform)}, {text(table.name)})" for table in contract().values() if table.is_daily)
    connection.execute(f"create or replace table raw.daily_tables as from (values {daily}) t(platform, table_name)")
    seen = " union all ".join(_seen_accounts(table) for table in contract().values() if table.names_shop)
    connection.execute(f"create or replace view raw.seen_accounts as {seen}")
    late = " union all ".join(_late_rows(table, table.event_time) for table in contract().values() if table.event_time)
    connection.execute(f"create or replace view raw.late_rows as {late}")
    # In a home from before there was this table, what had landed is counted here, once: where it exists, nothing is read.
    counts = " union all ".join(lateness(table, table.event_time) for table in contract().values() if table.event_time)
    connection.execute(f"create table if not exists raw.delivery_lateness as {counts}")


def _create_table(connection: duckdb.DuckDBPyConnection, table: Table, *, is_followed: bool) -> None:
    typed = ", ".join(f"{name(column.name)} {column.data_type}" for column in table.columns)
    names = ", ".join(name(column.name) for column in table.columns)
    connection.execute(
        f"""
        create table if not exists raw.{table.relation} (
            {typed}, _dt date, _file varchar, _row bigint, _landed_at timestamp, _stands boolean
        );
        create table if not exists changed.{table.relation} ({typed});
        """
    )
    if not is_followed:
        _follow_contract(connection, table)
    connection.execute(
        f"create or replace view staging.{table.relation} as select {names} from raw.{table.relation} where _stands"
    )


def _follow_contract(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Gives the table the contract's columns. What was rejected, or had a column that was unknown, is to land again."""
    found = {column: data_type for column, data_type, *_ in connection.execute(f"describe raw.{table.relation}").fetchall()}
    again = [
        "rejected_row_count > 0",
        *(f"dt in (select _dt from raw.{table.relation} where {each})" for each in _ruled_out(table)),
    ]
    for column in table.columns:
        if found.get(column.name, "").lower() == column.data_type:
            continue
        again.append("true" if column.name in found else f"list_contains(unknown_columns, {text(column.name)})")
        for schema in ("raw", "changed"):
            connection.execute(f"alter table {schema}.{table.relation} drop column if exists {name(column.name)}")
            connection.execute(f"alter table {schema}.{table.relation} add column {name(column.name)} {column.data_type}")
    connection.execute(
        f"""
        update raw.deliveries set signature = null where {table.condition} and ({" or ".join(again)});
        delete from raw.read_with where {table.condition};
        insert into raw.read_with values ({text(table.platform)}, {text(table.name)}, {text(_fingerprint(table))});
        """
    )


def _ruled_out(table: Table) -> list[str]:
    """Conditions for landed values that the contract does not take."""
    ranges = [f"{name(c.name)} not between {c.least} and {c.most}" for c in table.columns if c.most is not None]
    are_checked = settings()["event_times_are_checked"]
    return ranges + [columns.is_of_another_age(c.name) for c in table.columns if c.happened and are_checked]


def _fingerprint(table: Table) -> str:
    """Changes with anything by which a row is read; what does not show in a table's representation is none of it."""
    times = settings()["event_times_are_checked"], settings()["event_max_days_after_delivery"]
    rules = f"{table} {times}".encode()
    return hashlib.sha256(Path(columns.__file__).read_bytes() + rules).hexdigest()


def _seen_accounts(table: Table) -> str:
    """A query: the shop of each row that stands, and the account where the row can name one."""
    account = name(table.account) if table.account else "null::varchar"
    return f"select {text(table.platform)} as platform, shop_id, {account} as account_id from staging.{table.relation}"


def _late_rows(table: Table, event_time: str) -> str:
    """A query: the rows that stand and came more than a day after the date of their first time column, as TABLE/KEY."""
    row = " || '/' || ".join([text(table.name), *map(name, table.key)])
    return f"""
        select {text(table.platform)} as platform, {row} as row_name
        from raw.{table.relation}
        where _stands and _dt > {name(event_time)}::date + 1
    """


def lateness(table: Table, event_time: str) -> str:
    """A query: the table's rows per dt and days from event to delivery (0 for an event after it), but for those of history."""
    days_late = columns.days_late(event_time)
    return f"""(
        select
            {text(table.platform)} as platform, {text(table.name)} as table_name, _dt as dt, {days_late} as days_late,
            count(*) as row_count
        from raw.{table.relation}
        where {name(event_time)} is not null and {days_late} <= {columns.OLD_DAYS}
        group by all
    )"""
