"""Deliveries into the warehouse: a transaction per table, so that a table's deliveries land whole or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import duckdb

from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import first_line
from orchestration.landing import columns
from orchestration.landing.contract import Table, contract
from orchestration.landing.deliveries import Delivery, Inventory
from orchestration.landing.readers import MAX_ROW_BYTES, Relation, read
from orchestration.sql import name, text


@dataclass(frozen=True)
class Landed:
    """What one table's landing did."""

    table: Table
    deliveries: int
    rows: int
    rejected: int
    repeated: int  # rows of a key that a later row of the same dt replaces
    unknown_columns: tuple[str, ...]


# The rows of `incoming`, each with its delivery and its number in its file.
NUMBERED = """
    select i.*, f._file, f._dt, i._number - f.first_number + 1 as _row
    from incoming i
    join incoming_files f using (_path)
"""


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes schemas raw, changed and staging, with every table of the contract."""
    _create_landing_tables(connection)
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
        """
    )
    daily = ", ".join(f"({text(table.platform)}, {text(table.name)})" for table in contract().values() if table.is_daily)
    connection.execute(f"create or replace table raw.daily_tables as from (values {daily}) t(platform, table_name)")
    seen = " union all ".join(_seen_accounts(table) for table in contract().values() if table.names_shop)
    connection.execute(f"create or replace view raw.seen_accounts as {seen}")
    # In a home from before there was this table, what had landed is counted here, once: where it exists, nothing is read.
    counts = " union all ".join(_lateness(table, table.event_time) for table in contract().values() if table.event_time)
    connection.execute(f"create table if not exists raw.delivery_lateness as {counts}")


def _create_landing_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for schema in ("raw", "changed", "staging"):
        connection.execute(f"create schema if not exists {schema}")
    for table in contract().values():
        typed = ", ".join(f"{name(column.name)} {column.data_type}" for column in table.columns)
        names = ", ".join(name(column.name) for column in table.columns)
        connection.execute(
            f"""
            create table if not exists raw.{table.relation} (
                {typed}, _dt date, _file varchar, _row bigint, _landed_at timestamp, _stands boolean
            );
            create table if not exists changed.{table.relation} ({typed});
            create or replace view staging.{table.relation} as select {names} from raw.{table.relation} where _stands;
            """
        )


def _seen_accounts(table: Table) -> str:
    """A query: the shop of each row that stands, and the account where the row can name one."""
    account = name(table.account) if table.account else "null::varchar"
    return f"select {text(table.platform)} as platform, shop_id, {account} as account_id from staging.{table.relation}"


def _lateness(table: Table, event_time: str) -> str:
    """A query: the table's rows per dt and days from event to delivery (0 for an event after it)."""
    days_late = f"greatest(_dt - {name(event_time)}::date, 0)::integer"
    return f"""(
        select
            {text(table.platform)} as platform, {text(table.name)} as table_name, _dt as dt, {days_late} as days_late,
            count(*) as row_count
        from raw.{table.relation}
        where {name(event_time)} is not null
        group by all
    )"""


def land(
    connection: duckdb.DuckDBPyConnection,
    deliveries: Sequence[Delivery],
    *,
    record_changes: bool,
    report: Callable[[str], None],
) -> Sequence[Landed]:
    """Lands these deliveries, which are in order of their tables.

    With `record_changes`, rows whose standing version changes go to schema changed, as they were and as they are.
    A file that cannot be read stops its table only; when the others have landed, KefuError names what could not.
    """
    landed, errors = [], []
    for table, of_table in groupby(deliveries, key=lambda delivery: delivery.table):
        try:
            result = _land_table(connection, table, list(of_table), record_changes)
        except KefuError as error:
            errors.append(str(error))
            continue
        except duckdb.Error as error:  # such as a full disk
            errors.append(f"{table.label} cannot be landed: {first_line(error)}")
            break  # the other tables would say the same
        landed.append(result)
        report(f"landed {table.label}: {result.deliveries} deliveries, {result.rows:,} rows" + _remarks(result))
    if errors:
        raise KefuError("; ".join(errors))
    return landed


def not_landed(connection: duckdb.DuckDBPyConnection, inventory: Inventory) -> Sequence[Delivery]:
    """The deliveries that have not landed yet, or not as they are now."""
    known = {
        (platform, table, dt): signature
        for platform, table, dt, signature in connection.execute(
            "select platform, table_name, dt, signature from raw.deliveries"
        ).fetchall()
    }
    return [
        delivery
        for delivery in inventory.deliveries
        if known.get((delivery.table.platform, delivery.table.name, delivery.dt)) != delivery.signature
    ]


def _remarks(landed: Landed) -> str:
    remarks = [
        f"{landed.rejected:,} rejected (raw.rejected_rows)" if landed.rejected else "",
        f"{landed.repeated:,} repeated keys, the later row stands" if landed.repeated else "",
        f"unknown columns left out: {', '.join(landed.unknown_columns)}" if landed.unknown_columns else "",
    ]
    return "".join(f", {remark}" for remark in remarks if remark)


def _land_table(
    connection: duckdb.DuckDBPyConnection, table: Table, deliveries: Sequence[Delivery], record_changes: bool
) -> Landed:
    signatures = {delivery.dt: delivery.signature for delivery in deliveries}
    stamps = [delivery.stamp for delivery in deliveries]
    files = [file for delivery in deliveries for file in delivery.files]
    relations = read(connection, table, files)
    connection.execute("begin")
    try:
        _create_incoming(connection, table, relations)
        if stamps != [delivery.stamp for delivery in deliveries]:
            raise KefuError(f"{table.label}: a file changed while it was read; nothing of it has landed, run again")
        repeated = _drop_repeated(connection, table)
        _replace(connection, table, deliveries, record_changes)
        rows, rejected = _log(connection, table, deliveries, signatures, relations)
        connection.execute("commit")
    except BaseException:
        with suppress(duckdb.TransactionException):  # a commit that failed has rolled back already
            connection.execute("rollback")
        raise
    unknown = sorted({column for relation in relations for column in relation.unknown_columns})
    return Landed(table, len(deliveries), rows, rejected, repeated, tuple(unknown))


def _create_incoming(connection: duckdb.DuckDBPyConnection, table: Table, relations: Sequence[Relation]) -> None:
    """Fills temporary table `incoming`: every row, typed, with the reason why it cannot be read."""
    typed = ", ".join(f"{name(column.name)} {column.data_type}" for column in table.columns)
    connection.execute(
        f"""
        create or replace temp table incoming ({typed}, _path varchar, _number bigint, _reason varchar, _raw varchar);
        create or replace temp table incoming_files (_path varchar, _file varchar, _dt date, first_number bigint);
        create or replace temp table broken_lines (_path varchar, row_number bigint, reason varchar, raw_row varchar);
        """
    )
    texts = ", ".join(
        f"coalesce(nullif({name(column.name)}, ''), {text(column.default)})" + f" as {columns.raw_text(column.name)}"
        if column.default is not None
        else f"nullif({name(column.name)}, '') as {columns.raw_text(column.name)}"
        for column in table.columns
    )
    values = ", ".join(
        f"{columns.value(column, columns.raw_text(column.name))} as {name(column.name)}" for column in table.columns
    )
    for relation in relations:
        connection.execute(
            "insert into incoming_files select unnest($1::varchar[]), unnest($2::varchar[]), unnest($3::date[]), null",
            [
                [str(file.path) for file in relation.files],
                [file.name for file in relation.files],
                [str(file.dt) for file in relation.files],
            ],
        )
        try:
            connection.execute(
                f"""
                insert into incoming
                select
                    {_names(table)}, _path, _number,
                    case when _reason is not null then coalesce({relation.fault}, _reason) end,
                    case when _reason is not null then {relation.raw_row} end
                from (
                    select *, {columns.reason(table)} as _reason
                    from (select *, {values} from (select {texts}, _path, _number, _delivered from ({relation.sql})))
                )
                """
            )
        except duckdb.Error as error:
            raise _unreadable(relation, error) from error
        _keep_broken_lines(connection, relation)
    connection.execute(
        """
        update incoming_files as f set first_number = i.first_number
        from (select _path, min(_number) as first_number from incoming group by _path) i
        where f._path = i._path
        """
    )
    if connection.execute("select exists (from broken_lines)").fetchall()[0][0]:
        _count_broken_lines(connection)


def _count_broken_lines(connection: duckdb.DuckDBPyConnection) -> None:
    """Gives rows that follow a broken line the next number in their file, as the reader counted without that line."""
    connection.execute(
        """
        update incoming as i set _number = i._number + s.broken
        from (
            select i.rowid as id, b.broken
            from incoming i
            asof join (
                select f._path, f.first_number + b.row_number - n as from_number, max(n) as broken
                from (select *, row_number() over (partition by _path order by row_number) as n from broken_lines) b
                join incoming_files f using (_path)
                group by all
            ) b on i._path = b._path and i._number >= b.from_number
        ) s
        where i.rowid = s.id
        """
    )


def _unreadable(relation: Relation, error: duckdb.Error) -> KefuError:
    files = [file.name for file in relation.files if str(file.path) in str(error)] or [relation.files[0].name]
    named = max(files, key=len)  # of x.csv and x.csv.gz both stand in the message about the latter
    if "state machine reached an invalid state" in str(error):
        return KefuError(f"{named} cannot be read: its line ends are mixed (a carriage return or line feed outside quotes)")
    if "Invalid unicode" in str(error):  # also where the reader cuts off a long row to quote it
        return KefuError(f"{named} cannot be read: a row is not UTF-8, or longer than {MAX_ROW_BYTES // 1024**2} MiB")
    return KefuError(f"{named} cannot be read: {first_line(error)}")


def _names(table: Table, prefix: str = "") -> str:
    return ", ".join(prefix + name(column.name) for column in table.columns)


def _keep_broken_lines(connection: duckdb.DuckDBPyConnection, relation: Relation) -> None:
    """Keeps lines that the CSV reader could not take apart; it lists them in tables of its own."""
    if not connection.execute("from duckdb_tables() where table_name = 'reject_errors'").fetchall():
        return
    header = f"([{', '.join(map(text, relation.columns))}]::varchar[])"
    lines_before = 1 if relation.columns else 0
    connection.execute(
        f"""
        insert into broken_lines
        select
            s.file_path,
            e.line - {lines_before},
            arg_min(
                case e.error_type
                    when 'MISSING COLUMNS' then {header}[e.column_idx::bigint + 1] || ': missing, the row ends before it'
                    when 'TOO MANY COLUMNS' then 'more values than the header has columns'
                    when 'UNQUOTED VALUE' then {header}[e.column_idx::bigint] || ': its quotes do not enclose the value'
                    when 'INVALID ENCODING' then concat_ws(': ', {header}[e.column_idx::bigint], 'not UTF-8')
                    when 'LINE SIZE OVER MAXIMUM' then 'longer than {MAX_ROW_BYTES // 1024**2} MiB'
                    else e.error_message
                end,
                coalesce(e.column_idx, 0)  -- null where it is the row as a whole
            ),
            -- A row that is too long is cut off, maybe amid a character, on which trim never ends: it is not kept.
            any_value(
                trim(case when e.error_type <> 'LINE SIZE OVER MAXIMUM' then e.csv_line end, chr(13) || chr(10))
            )
        from reject_errors e
        join reject_scans s on e.scan_id = s.scan_id and e.file_id = s.file_id
        group by s.file_path, e.line;
        drop table reject_errors;
        drop table reject_scans;
        """
    )


def _same_key(table: Table, left: str, right: str) -> str:
    return " and ".join(f"{left}.{name(column)} is not distinct from {right}.{name(column)}" for column in table.key)


def _key(table: Table) -> str:
    return ", ".join(map(name, table.key))


def _drop_repeated(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Leaves one row of a key within a dt: that of the later file, then the later of a file. Returns how many went."""
    return int(
        connection.execute(
            f"""
            delete from incoming where rowid in (
                select row_id
                from (
                    select
                        i.rowid as row_id,
                        row_number() over (partition by f._dt, {_key(table)} order by f._file desc, i._number desc) as n
                    from incoming i
                    join incoming_files f using (_path)
                    where i._reason is null and ({_key(table)}) in (
                        select ({_key(table)}) from incoming where _reason is null group by all having count(*) > 1
                    )
                )
                where n > 1
            )
            """
        ).fetchall()[0][0]
    )


def _replace(connection: duckdb.DuckDBPyConnection, table: Table, deliveries: Sequence[Delivery], record_changes: bool) -> None:
    """Puts incoming rows in place of what the same dts held; the last dt of a key stands. Changed rows go to schema changed."""
    raw, key = f"raw.{table.relation}", _key(table)
    dts = ", ".join(f"date {text(delivery.dt)}" for delivery in deliveries)
    connection.execute(
        f"""
        create or replace temp table affected as
        select {key} from incoming where _reason is null
        union
        select {key} from {raw} where _dt in ({dts});
        """
    )
    if record_changes:
        connection.execute(f"create or replace temp table before as {_standing(table)}")
    connection.execute(
        f"""
        delete from {raw} where _dt in ({dts});
        insert into {raw}
        select {_names(table)}, _dt, _file, _row, timestamp {text(beijing_now())}, true
        from ({NUMBERED})
        where _reason is null;
        """
    )
    _restand(connection, table)
    if record_changes:
        _record_changes(connection, table)


def amend(
    connection: duckdb.DuckDBPyConnection, table: Table, is_removed: str, blanked: dict[str, str], *, record_changes: bool
) -> int:
    """Removes landed rows for which the condition `is_removed` holds, and sets columns of others to other values (`blanked`:
    values by column), in one transaction. Changed rows go to schema changed. Returns how many rows it concerned.
    """
    raw, key = f"raw.{table.relation}", _key(table)
    changes = " or ".join(f"{name(column)} is distinct from {value}" for column, value in blanked.items()) or "false"
    connection.execute(
        f"""
        create or replace temp table amended as
        select {key}, _dt, rowid as id, coalesce({is_removed}, false) as is_removed from {raw}
        where coalesce({is_removed}, false) or {changes};
        create or replace temp table affected as select distinct {key} from amended;
        """
    )
    (count,) = connection.execute("select count(*) from amended").fetchall()[0]
    if not count:
        return 0
    connection.execute("begin")
    try:
        if record_changes:
            connection.execute(f"create or replace temp table before as {_standing(table)}")
        connection.execute(f"delete from {raw} where rowid in (select id from amended where is_removed)")
        if blanked:
            values = ", ".join(f"{name(column)} = {value}" for column, value in blanked.items())
            connection.execute(f"update {raw} set {values} where {changes}")
        _restand(connection, table)
        if record_changes:
            _record_changes(connection, table)
        _count_rows(connection, table, "select distinct _dt from amended")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return int(count)


def _standing(table: Table) -> str:
    """The standing rows of the keys in `affected`."""
    raw = f"raw.{table.relation}"
    return f"select {_names(table, 'r.')} from {raw} r semi join affected a on {_same_key(table, 'r', 'a')} where r._stands"


def _restand(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Lets the row of the last dt stand, of each key in `affected`."""
    raw = f"raw.{table.relation}"
    connection.execute(
        f"""
        update {raw} as r set _stands = (r._dt = l.last_dt)
        from (
            select {_names_of_key(table, "r.")}, max(r._dt) as last_dt
            from {raw} r
            semi join affected a on {_same_key(table, "r", "a")}
            group by {_names_of_key(table, "r.")}
            having count(*) > 1 or not bool_and(r._stands)
        ) l
        where {_same_key(table, "r", "l")} and r._stands <> (r._dt = l.last_dt);
        """
    )


def _record_changes(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Puts into schema changed what stood in `before` and does not now, and the other way round."""
    connection.execute(
        f"""
        insert into changed.{table.relation}
        (select * from before except select * from ({_standing(table)}))
        union all
        (select * from ({_standing(table)}) except select * from before)
        """
    )


def _names_of_key(table: Table, prefix: str) -> str:
    return ", ".join(prefix + name(column) for column in table.key)


def _log(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    deliveries: Sequence[Delivery],
    signatures: dict[date, str],
    relations: Sequence[Relation],
) -> tuple[int, int]:
    """Writes deliveries, rejected rows and lateness to schema raw. Returns rows landed and rows rejected."""
    of_table = f"platform = {text(table.platform)} and table_name = {text(table.name)}"
    dts = ", ".join(f"date {text(delivery.dt)}" for delivery in deliveries)
    unknown: dict[date, set[str]] = defaultdict(set)
    for relation in relations:
        for file in relation.files:
            unknown[file.dt].update(relation.unknown_columns)
    connection.execute(
        f"""
        delete from raw.rejected_rows where {of_table} and dt in ({dts});
        delete from raw.deliveries where {of_table} and dt in ({dts});
        insert into raw.rejected_rows
        select {text(table.platform)}, {text(table.name)}, _dt, _file, _row, _reason, _raw
        from ({NUMBERED}) where _reason is not null
        union all
        select {text(table.platform)}, {text(table.name)}, f._dt, f._file, b.row_number, b.reason, b.raw_row
        from broken_lines b join incoming_files f on b._path = f._path;
        """
    )
    connection.execute(
        f"""
        insert into raw.deliveries (platform, table_name, dt, signature, files, unknown_columns)
        select
            {text(table.platform)}, {text(table.name)}, unnest($1::date[]), unnest($2::varchar[]), unnest($3::integer[]),
            unnest($4::varchar[][])
        """,
        [
            [str(delivery.dt) for delivery in deliveries],
            [signatures[delivery.dt] for delivery in deliveries],
            [len(delivery.files) for delivery in deliveries],
            [sorted(unknown[delivery.dt]) for delivery in deliveries],
        ],
    )
    _count_rows(connection, table, f"select unnest([{dts}])")
    totals = f"select sum(row_count), sum(rejected_row_count) from raw.deliveries where {of_table} and dt in ({dts})"
    rows, rejected = connection.execute(totals).fetchall()[0]
    return int(rows), int(rejected)


def _count_rows(connection: duckdb.DuckDBPyConnection, table: Table, dts: str) -> None:
    """Updates what raw.deliveries says of the rows of some dts, `dts` being a query of them."""
    of_table = f"platform = {text(table.platform)} and table_name = {text(table.name)}"
    newest = f"max(i.{name(table.event_time)})" if table.event_time else "null::timestamp"
    connection.execute(
        f"""
        update raw.deliveries as d set
            row_count = r.row_count,
            newest_event_at = r.newest_event_at,
            rejected_row_count = r.rejected_row_count,
            landed_at = timestamp {text(beijing_now())}
        from (
            select
                l.dt,
                count(i._dt) as row_count,
                {newest} as newest_event_at,
                (select count(*) from raw.rejected_rows j where j.{of_table.replace("and ", "and j.")} and j.dt = l.dt)
                    as rejected_row_count
            from ({dts}) l (dt)
            left join raw.{table.relation} i on l.dt = i._dt
            group by l.dt
        ) r
        where d.{of_table.replace("and ", "and d.")} and d.dt = r.dt
        """
    )
    if table.event_time:
        connection.execute(
            f"""
            delete from raw.delivery_lateness where {of_table} and dt in ({dts});
            insert into raw.delivery_lateness from {_lateness(table, table.event_time)} where dt in ({dts});
            """
        )
