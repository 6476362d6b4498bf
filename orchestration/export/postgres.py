"""The marts as tables of PostgreSQL, for tools that do not read DuckDB, with who sees which shop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql

from orchestration.errors import KefuError
from orchestration.export import MARTS, Column, Mart, published
from orchestration.home import first_line, published_home, scratch
from orchestration.sql import name, text

ACCESS = Path(__file__).with_name("access.sql")
READER, ANALYST = sql.Identifier("kefu_reader"), sql.Identifier("kefu_analyst")
TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "HUGEINT": "numeric(38, 0)",
    "INTEGER": "integer",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "VARCHAR": "text",
    "VARCHAR[]": "text[]",
}
BLOCK = 1 << 20  # bytes at a time
ONE_AT_A_TIME = 5338_0001  # the number of the lock of who publishes


def publish_postgres(home_path: Path, url: str) -> str:
    """Puts the marts into schema marts of a database, all of them or nothing: readers see the state before until it is done.

    Returns a line that says what was done. KefuError where the database cannot be reached or refuses; then it stays as it was.
    """
    home = published_home(home_path)
    try:
        with psycopg.connect(url, connect_timeout=15, application_name="kefu publish") as database:
            version, where = home.published.resolve().stem, f"{database.info.host}/{database.info.dbname}"
            with published(home) as (connection, marts), scratch(home.temporary) as folder:
                database.execute("select pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
                database.execute(ACCESS.read_bytes())
                _drop_others(database, marts)
                for mart in marts:
                    _make(database, mart)
                    _fill(database, connection, mart, Path(folder, "rows.csv"))
                comment = sql.SQL("comment on schema {} is {}").format(sql.Identifier(MARTS), sql.Literal(f"kefu: {version}"))
                database.execute(comment)
            database.commit()
            database.autocommit = True
            for mart in marts:  # the rows before are of no use to anybody
                database.execute(sql.SQL("vacuum (analyze) {}").format(_table(mart)))
    except psycopg.Error as error:
        raise KefuError(f"--postgres: {first_line(error)}; the database is as it was") from error
    return f"published {len(marts)} tables of {version} in schema {MARTS} of {where}"


def _table(mart: Mart) -> sql.Identifier:
    return sql.Identifier(MARTS, mart.name)


def _drop_others(database: psycopg.Connection, marts: Sequence[Mart]) -> None:
    """Drops tables of marts that are no longer, and of marts whose columns are others. Who reads one stands in the way."""
    columns_of = {mart.name: _columns(mart) for mart in marts}
    found = database.execute(
        "select relname::text from pg_class where relnamespace = %s::regnamespace and relkind = 'r'", [MARTS]
    )
    for (table,) in found.fetchall():
        there = sql.Identifier(MARTS, table)
        if columns := columns_of.get(table):
            database.execute(sql.SQL("create temp table wanted ({}) on commit drop").format(columns))
            is_as_wanted = _shape(database, there) == _shape(database, sql.Identifier("pg_temp", "wanted"))
            database.execute("drop table pg_temp.wanted")
            if is_as_wanted:
                continue
        database.execute(sql.SQL("drop table {}").format(there))


def _shape(database: psycopg.Connection, table: sql.Identifier) -> Sequence[tuple[object, ...]]:
    """The columns of a table as PostgreSQL knows them."""
    found = database.execute(
        """
        select attname, atttypid, atttypmod, attnotnull from pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
        """,
        [table.as_string(database)],
    )
    rows: Sequence[tuple[object, ...]] = found.fetchall()
    return rows


def _columns(mart: Mart) -> sql.Composed:
    """A mart's columns, as a table is made with them."""
    return sql.SQL(", ").join(
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(_type(mart, column)),
            sql.SQL(" not null" if column.is_never_null else ""),
        )
        for column in mart.columns
    )


def _type(mart: Mart, column: Column) -> str:
    if decimal := re.fullmatch(r"DECIMAL(\(\d+,\s*\d+\))", column.data_type):
        return f"numeric{decimal[1]}"
    if column.data_type not in TYPES:
        raise KefuError(f"{mart.name}.{column.name} is {column.data_type}, which PostgreSQL has nothing for")
    return TYPES[column.data_type]


def _make(database: psycopg.Connection, mart: Mart) -> None:
    """Makes a mart's table where there is none, and who sees which of its rows with it: that would keep readers of one that is
    there waiting. Describes it anew, which does not.
    """
    table = _table(mart)
    if database.execute("select to_regclass(%s)", [table.as_string(database)]).fetchall() == [(None,)]:
        database.execute(sql.SQL("create table {} ({})").format(table, _columns(mart)))
        database.execute(sql.SQL("grant select on {} to {}, {}").format(table, READER, ANALYST))
        if mart.has("shop_id"):
            _show_by_shop(database, mart)
    database.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(mart.comment)))
    for column in mart.columns:
        described = sql.SQL("comment on column {}.{} is {}").format(
            table, sql.Identifier(column.name), sql.Literal(column.comment)
        )
        database.execute(described)


def _show_by_shop(database: psycopg.Connection, mart: Mart) -> None:
    """Lets analysts see every row of a table with shops, and readers those of their own."""
    table = _table(mart)
    database.execute(sql.SQL("alter table {} enable row level security").format(table))
    database.execute(sql.SQL("create policy of_every_shop on {} for select to {} using (true)").format(table, ANALYST))
    platform = sql.Literal(mart.platform) if mart.platform else sql.SQL("{}.platform").format(sql.Identifier(mart.name))
    database.execute(
        sql.SQL(
            "create policy of_own_shops on {table} for select to {reader} using (exists ("
            "select from kefu_access.shop_readers r where r.reader = current_user and r.platform = {platform} "
            "and r.shop_id = {mart}.shop_id))"
        ).format(table=table, reader=READER, platform=platform, mart=sql.Identifier(mart.name))
    )


def _fill(database: psycopg.Connection, connection: duckdb.DuckDBPyConnection, mart: Mart, file: Path) -> None:
    """Puts a mart's rows in the place of those of before."""
    values = ", ".join(_value(column) for column in mart.columns)
    connection.execute(f"copy (select {values} from {mart.relation}) to {text(file)} (format csv, header false, force_quote *)")
    database.execute(sql.SQL("delete from {}").format(_table(mart)))
    with (
        database.cursor().copy(sql.SQL("copy {} from stdin (format csv)").format(_table(mart))) as copy,
        open(file, "rb") as rows,
    ):
        while block := rows.read(BLOCK):
            copy.write(block)


def _value(column: Column) -> str:
    """A column as PostgreSQL reads it: lists in its own way to write them."""
    quoted = name(column.name)
    if not column.data_type.endswith("[]"):
        return quoted
    escaped = r"""'"' || replace(replace(item, '\', '\\'), '"', '\"') || '"'"""
    items = f"array_to_string(list_transform({quoted}, lambda item: coalesce({escaped}, 'NULL')), ',')"
    return f"'{{' || {items} || '}}' as {quoted}"
