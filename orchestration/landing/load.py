"""Deliveries into the warehouse: a transaction per platform, so that a platform's deliveries land whole or not at all."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import duckdb

from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import first_line, scratch
from orchestration.landing import columns, ledger
from orchestration.landing.contract import Table, contract
from orchestration.landing.deliveries import Delivery, Inventory, nearest
from orchestration.landing.readers import MAX_ROW_BYTES, Contents, Relation, read
from orchestration.landing.tables import lateness
from orchestration.sql import json_rows, name, text


@dataclass(frozen=True)
class Landed:
    """What one table's landing did."""

    table: Table
    deliveries: int
    rows: int
    rejected: int
    repeated: int  # rows of a key that a later row of the same dt replaces
    unknown_columns: tuple[str, ...]


@dataclass(frozen=True)
class Gone:
    """A delivery that has landed and is no longer in landing."""

    table: Table
    dt: date


FILES = {"_path": "varchar", "_file": "varchar", "_dt": "date", "delivered": "bigint"}
DELIVERIES = {"dt": "date", "signature": "varchar", "files": "integer", "unknown_columns": "varchar[]"}

# The rows of `incoming`, each with its delivery and its number in its file.
NUMBERED = """
    select i.*, f._file, f._dt, i._number - f.first_number + 1 as _row
    from incoming i
    join incoming_files f using (_path)
"""


class NotAllLandedError(KefuError):
    """What could not be read, by platform; everything else has landed."""

    def __init__(self, errors: dict[str, str], landed: Sequence[Landed]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors
        self.landed = landed


def land(
    connection: duckdb.DuckDBPyConnection,
    deliveries: Sequence[Delivery],
    *,
    record_changes: bool,
    report: Callable[[str], None],
    gone: Sequence[Gone] = (),
) -> Sequence[Landed]:
    """Lands these deliveries, which are in order of their tables, and drops those that are gone.

    With `record_changes`, rows whose standing version changes go to schema changed, as they were and as they are.
    A file that cannot be read stops its platform only, of which nothing lands then; when the others have landed,
    NotAllLandedError names what could not.
    """
    landed: list[Landed] = []
    errors: dict[str, str] = {}
    concerned = {delivery.table.platform for delivery in deliveries} | {each.table.platform for each in gone}
    for platform in sorted(concerned):
        lines: list[str] = []
        try:
            landed += _land_platform(
                connection,
                [delivery for delivery in deliveries if delivery.table.platform == platform],
                [each for each in gone if each.table.platform == platform],
                record_changes,
                lines.append,
            )
        except KefuError as error:
            errors[platform] = str(error)
        except duckdb.Error as error:  # such as a full disk
            raise KefuError(f"{platform} cannot be landed: {first_line(error)}") from error
        else:
            for line in lines:
                report(line)
    if errors:
        raise NotAllLandedError(errors, landed)
    return landed


def _land_platform(
    connection: duckdb.DuckDBPyConnection,
    deliveries: Sequence[Delivery],
    gone: Sequence[Gone],
    record_changes: bool,
    report: Callable[[str], None],
) -> list[Landed]:
    """Lands a platform's tables in one transaction. KefuError names the files that cannot be read."""
    landed: list[Landed] = []
    errors: list[str] = []
    of_tables: list[tuple[_Batch, Contents]] = []
    with scratch(_temporary(connection)) as aside:
        for table, of_table in groupby(deliveries, key=lambda delivery: delivery.table):
            batch = _Batch(table, list(of_table))
            folder = Path(aside, table.name)
            folder.mkdir()
            try:
                of_tables.append((batch, read(connection, table, batch.files, folder)))
            except KefuError as error:
                errors.append(str(error))
        if errors:
            raise KefuError("; ".join(errors))
        connection.execute("begin")
        try:
            for table, of_gone in groupby(gone, key=lambda each: each.table):
                dts = [each.dt for each in of_gone]
                _drop(connection, table, dts, record_changes)
                report(f"dropped {table.label}: {_count(len(dts), 'delivery', 'deliveries')} that landing no longer has")
            for batch, contents in of_tables:
                landed.append(_land_table(connection, batch, contents, record_changes, report))
            connection.execute("commit")
        except BaseException:
            with suppress(duckdb.TransactionException):  # a commit that failed has rolled back already
                connection.execute("rollback")
            raise
    return landed


def _temporary(connection: duckdb.DuckDBPyConnection) -> Path | None:
    """The folder where the warehouse puts what does not fit into memory, if there is one."""
    ((folder,),) = connection.execute("select current_setting('temp_directory')").fetchall()
    return Path(folder) if folder and Path(folder).is_dir() else None


class _Batch:
    """Deliveries of a table that land together, as their files were before they were read."""

    def __init__(self, table: Table, deliveries: Sequence[Delivery]) -> None:
        self.table = table
        self.deliveries = deliveries
        self.files = [file for delivery in deliveries for file in delivery.files]
        self.dts = [delivery.dt for delivery in deliveries]
        self.signatures = {delivery.dt: delivery.signature for delivery in deliveries}
        self._stamps = [delivery.stamp for delivery in deliveries]

    def check_unchanged(self) -> None:
        if self._stamps != [delivery.stamp for delivery in self.deliveries]:
            raise KefuError(f"{self.table.label}: a file changed while it was read; nothing of it has landed, run again")


def not_landed(connection: duckdb.DuckDBPyConnection, inventory: Inventory, *, prune: bool = False) -> Sequence[Delivery]:
    """The deliveries that have not landed yet, or not as they are now; with `prune` also those that only lost files since."""
    known = _signatures(connection)
    return [
        delivery
        for delivery in inventory.deliveries
        if known.get(delivery.key) != delivery.signature and (prune or not _has_only_lost_files(delivery, known))
    ]


def gone(connection: duckdb.DuckDBPyConnection, inventory: Inventory) -> Sequence[Gone]:
    """What has landed and is no longer in landing."""
    there = {delivery.key for delivery in inventory.deliveries}
    return [
        Gone(contract()[platform, table], dt)
        for platform, table, dt in sorted(_signatures(connection).keys() - there)
        if (platform, table) in contract()
    ]


def with_lost_files(connection: duckdb.DuckDBPyConnection, inventory: Inventory) -> Sequence[Delivery]:
    """The deliveries of which some files are no longer in landing, while the others are as they landed."""
    known = _signatures(connection)
    return [delivery for delivery in inventory.deliveries if _has_only_lost_files(delivery, known)]


def _has_only_lost_files(delivery: Delivery, known: dict[tuple[str, str, date], str | None]) -> bool:
    signature = known.get(delivery.key)
    return signature is not None and set(delivery.signature.split("|")) < set(signature.split("|"))


def _signatures(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, date], str | None]:
    return {
        (platform, table, dt): signature
        for platform, table, dt, signature in connection.execute(
            "select platform, table_name, dt, signature from raw.deliveries"
        ).fetchall()
    }


def _remarks(landed: Landed) -> str:
    unknown = ", ".join(landed.unknown_columns)
    remarks = [
        f"{landed.rejected:,} rejected (raw.rejected_rows)" if landed.rejected else "",
        f"{landed.repeated:,} repeated keys, the later row stands" if landed.repeated else "",
        f"unknown columns left out: {unknown}" if landed.unknown_columns else "",
    ]
    return "".join(f", {remark}" for remark in remarks if remark)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _land_table(
    connection: duckdb.DuckDBPyConnection,
    batch: _Batch,
    contents: Contents,
    record_changes: bool,
    report: Callable[[str], None],
) -> Landed:
    table, relations = batch.table, contents.relations
    try:
        _create_incoming(connection, table, contents)
    finally:
        batch.check_unchanged()  # first: a file that changes while it is read can look like anything
    repeated = _drop_repeated(connection, table)
    _replace(connection, table, batch.dts, record_changes)
    rows, rejected = _log(connection, batch, relations)
    unknown = sorted({column for relation in relations for column in relation.unknown_columns})
    landed = Landed(table, len(batch.deliveries), rows, rejected, repeated, tuple(unknown))
    report(f"landed {table.label}: {len(batch.deliveries)} deliveries, {rows:,} rows" + _remarks(landed))
    known = {column.name for column in table.columns}
    meant = {column: nearest(column, known) for column in unknown}
    for line in ledger.lines(connection, table, batch.dts, contents.remarks):
        report(line)
    for column, other in meant.items():
        if other:
            report(f"warning: {table.label} has a column {column} that is left out; did you mean {other}?")
    return landed


def _create_incoming(connection: duckdb.DuckDBPyConnection, table: Table, contents: Contents) -> None:
    """Fills temporary table `incoming` with every row, typed, and `rejected` with the reasons for those that cannot be read.

    `_remarks` holds which remarks of the table's are true of a row: two to the power of each one's number.
    """
    typed = ", ".join(f"{name(column.name)} {column.data_type}" for column in table.columns)
    texts = ", ".join(f"{columns.raw_text(column.name)} varchar" for column in table.columns)
    connection.execute(
        f"""
        create or replace temp table incoming (
            {typed}, _path varchar, _number bigint, _is_rejected boolean, _remarks ubigint, _raw varchar, _fault varchar,
            _texts struct({texts})
        );
        create or replace temp table incoming_files (
            _path varchar, _file varchar, _dt date, delivered bigint, first_number bigint, read_rows bigint default 0
        );
        create or replace temp table broken_lines (_path varchar, row_number bigint, reason varchar, raw_row varchar);
        create or replace temp table rejected (_path varchar, _number bigint, reason varchar, problem varchar, raw varchar);
        """
    )
    for relation in contents.relations:
        files = [
            {"_path": str(file.path), "_file": file.name, "_dt": str(file.dt), "delivered": contents.rows[file.name]}
            for file in relation.files
        ]
        connection.execute(f"insert into incoming_files by name {json_rows(FILES)}", {"rows": json.dumps(files)})
        try:
            connection.execute(f"insert into incoming by name {_incoming(table, relation)}")
        except duckdb.Error as error:
            raise _unreadable(relation, error) from error
        _keep_broken_lines(connection, relation)
    connection.execute(
        """
        update incoming_files as f set first_number = i.first_number, read_rows = i.row_count
        from (select _path, min(_number) as first_number, count(*) as row_count from incoming group by _path) i
        where f._path = i._path
        """
    )
    is_any_broken, is_any_rejected = connection.execute(
        "select exists (from broken_lines), exists (from incoming where _is_rejected)"
    ).fetchall()[0]
    if is_any_broken:
        _check_broken_lines(connection)
        _count_broken_lines(connection)
    _check_counts(connection)
    if is_any_rejected:
        _tell_rejected(connection, table)


def _incoming(table: Table, relation: Relation) -> str:
    """A query for the rows of files. Of most rows it looks only at whether anything is wrong: what, is told of few."""
    texts = ", ".join(
        f"coalesce(nullif({name(column.name)}, {text('')}), {text(column.default)})" + f" as {columns.raw_text(column.name)}"
        if column.default is not None
        else f"nullif({name(column.name)}, {text('')}) as {columns.raw_text(column.name)}"
        for column in table.columns
    )
    values = ", ".join(
        f"{columns.value(column, columns.raw_text(column.name))} as {name(column.name)}" for column in table.columns
    )
    remarks = [f"case when {is_true} then {2**n} else 0 end" for n, (is_true, _) in enumerate(columns.remarks(table))]
    packed = ", ".join(columns.raw_text(column.name) for column in table.columns)
    return f"""
        select
            {_names(table)}, _path, _number, _is_rejected,
            case when _is_rejected then 0 else {" + ".join(remarks) or "0"} end as _remarks,
            case when _is_rejected then {relation.raw_row} end as _raw,
            case when _is_rejected then {relation.fault} end as _fault,
            case when _is_rejected then row({packed}) end as _texts
        from (
            select *, {columns.is_wrong(table)} as _is_rejected
            from (
                select *, {values}
                from (select {texts}, _path, _number, _delivered from ({relation.sql}))
                join (select _path, _dt from incoming_files) using (_path)
            )
        )
    """


def _tell_rejected(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    connection.execute(
        f"""
        insert into rejected
        select
            _path, _number, coalesce(_fault, {columns.reason(table)}), coalesce(_fault, {columns.problem(table)}), _raw
        from (
            select i.* exclude (_texts), f._dt, unnest(i._texts)
            from incoming i join incoming_files f using (_path)
            where i._is_rejected
        )
        """
    )


def _check_broken_lines(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuses a file with a broken row of several lines: of a quote that is not closed at once, they may be rows of their own."""
    found = connection.execute(
        """
        select _file, row_number, length(raw_row) - length(replace(raw_row, chr(10), '')) + 1
        from broken_lines join incoming_files using (_path)
        where contains(raw_row, chr(10)) or contains(raw_row, chr(13))
        order by all limit 1
        """
    ).fetchall()
    for file, row_number, lines in found:
        raise KefuError(
            f"{file} cannot be read: a quote in its row {row_number} is not closed, and the next makes one row of {lines} lines"
        )


def _check_counts(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuses a file of which DuckDB read more or fewer rows than a count apart from it."""
    found = connection.execute(
        """
        select f._file, f.delivered, f.read_rows + coalesce(b.row_count, 0) as read
        from incoming_files f
        left join (select _path, count(*) as row_count from broken_lines group by all) b using (_path)
        where f.delivered <> read
        order by all limit 1
        """
    ).fetchall()
    for file, delivered, read_rows in found:
        raise KefuError(
            f"{file} cannot be read: it has {delivered:,} rows by one count and {read_rows:,} by another; is a quote not closed?"
        )


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
    """Keeps lines that the CSV reader could not take apart; it lists them in tables, even where there are none."""
    try:
        (is_any_broken,) = connection.execute("select exists (from reject_errors)").fetchall()[0]
    except duckdb.CatalogException:  # no such table; to ask the catalog for it takes five times as long
        return
    if is_any_broken:
        _copy_broken_lines(connection, relation)
    connection.execute("drop table reject_errors; drop table reject_scans")


def _copy_broken_lines(connection: duckdb.DuckDBPyConnection, relation: Relation) -> None:
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
        group by s.file_path, e.line
        """
    )


def _same_key(table: Table, left: str, right: str) -> str:
    return " and ".join(f"{left}.{name(column)} is not distinct from {right}.{name(column)}" for column in table.key)


def _key(table: Table) -> str:
    return ", ".join(map(name, table.key))


def _drop_repeated(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Leaves one row of a key within a dt: that of the later file, then the later of a file. Returns how many went.

    What went stands in temporary table `replaced`, each with the row that stands instead.
    """
    key = _key(table)
    (is_any_repeated,) = connection.execute(
        f"""
        create or replace temp table replaced (
            id bigint, by_id bigint, _dt date, _file varchar, _row bigint, by_file varchar, by_row bigint, is_same boolean
        );
        create or replace temp table said_again as
        select {key} from incoming where not _is_rejected group by all having count(*) > 1;
        select exists (from said_again)
        """
    ).fetchall()[0]
    if not is_any_repeated:
        return 0
    same = " and ".join(f"i.{name(column.name)} is not distinct from s.{name(column.name)}" for column in table.columns)
    connection.execute(
        f"""
        insert into replaced
        with rows as (
            select
                i.rowid as id, last_value(i.rowid) over of_key as by_id,
                f._dt, f._file, i._number - f.first_number + 1 as _row,
                last_value(f._file) over of_key as by_file, last_value(i._number - f.first_number + 1) over of_key as by_row
            from incoming i
            join incoming_files f using (_path)
            semi join said_again a on {_same_key(table, "i", "a")}
            where not i._is_rejected
            window of_key as (
                partition by f._dt, {key} order by f._file, i._number
                rows between unbounded preceding and unbounded following
            )
        )
        select r.*, {same} as is_same
        from rows r join incoming i on r.id = i.rowid join incoming s on r.by_id = s.rowid
        where r.id <> r.by_id;
        """
    )
    return int(connection.execute("delete from incoming where rowid in (select id from replaced)").fetchall()[0][0])


def _drop(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date], record_changes: bool) -> None:
    """Takes deliveries out of schema raw, as if they had never come."""
    _create_incoming(connection, table, Contents([], {}, {}))
    _replace(connection, table, dts, record_changes)
    ledger.forget(connection, table, dts)
    for relation in ("raw.deliveries", "raw.delivery_lateness"):
        connection.execute(f"delete from {relation} where {ledger.of(table, dts)}")


def _replace(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date], record_changes: bool) -> None:
    """Puts incoming rows in place of what the same dts held; the last dt of a key stands. Changed rows go to schema changed."""
    raw, key = f"raw.{table.relation}", _key(table)
    listed = ledger.listed(dts)
    connection.execute(
        f"""
        create or replace temp table affected as
        select {key} from incoming where not _is_rejected
        union
        select {key} from {raw} where _dt in ({listed});
        """
    )
    if record_changes:
        connection.execute(f"create or replace temp table before as {_standing(table)}")
    connection.execute(
        f"""
        delete from {raw} where _dt in ({listed});
        insert into {raw} ({_names(table)}, _dt, _file, _row, _landed_at, _stands)
        select {_names(table)}, _dt, _file, _row, timestamp {text(beijing_now())}, true
        from ({NUMBERED})
        where not _is_rejected;
        """
    )
    _restand(connection, table)
    ledger.find_replacing(connection, table, dts)
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
        ledger.forget_landed(connection, table)
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
    """Lets the row of the last dt stand, of each key in `affected`. Temporary table `repeated` has the keys of several dts."""
    raw = f"raw.{table.relation}"
    connection.execute(
        f"""
        create or replace temp table repeated as
        select {_names_of_key(table, "r.")}, max(r._dt) as last_dt
        from {raw} r
        semi join affected a on {_same_key(table, "r", "a")}
        group by {_names_of_key(table, "r.")}
        having count(*) > 1 or not bool_and(r._stands);
        update {raw} as r set _stands = (r._dt = l.last_dt)
        from repeated l
        where {_same_key(table, "r", "l")} and r._stands <> (r._dt = l.last_dt);
        """
    )


def _record_changes(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Puts into schema changed what stood in `before` and does not now, and the other way round."""
    connection.execute(
        f"""
        insert into changed.{table.relation} by name
        (select * from before except select * from ({_standing(table)}))
        union all
        (select * from ({_standing(table)}) except select * from before)
        """
    )


def _names_of_key(table: Table, prefix: str) -> str:
    return ", ".join(prefix + name(column) for column in table.key)


def _log(connection: duckdb.DuckDBPyConnection, batch: _Batch, relations: Sequence[Relation]) -> tuple[int, int]:
    """Writes deliveries, what became of their rows, and lateness to schema raw. Returns rows landed and rows rejected."""
    table, dts = batch.table, ledger.of(batch.table, batch.dts)
    unknown: dict[date, set[str]] = defaultdict(set)
    for relation in relations:
        for file in relation.files:
            unknown[file.dt].update(relation.unknown_columns)
    ledger.forget(connection, table, batch.dts)
    ledger.write(connection, table, batch.dts)
    connection.execute(f"delete from raw.deliveries where {dts}")
    deliveries = [
        {
            "dt": str(delivery.dt),
            "signature": batch.signatures[delivery.dt],
            "files": len(delivery.files),
            "unknown_columns": sorted(unknown[delivery.dt]),
        }
        for delivery in batch.deliveries
    ]
    connection.execute(
        f"""
        insert into raw.deliveries by name
        select {text(table.platform)} as platform, {text(table.name)} as table_name, * from ({json_rows(DELIVERIES)})
        """,
        {"rows": json.dumps(deliveries)},
    )
    _count_rows(connection, table, f"select unnest([{ledger.listed(batch.dts)}])")
    rows, rejected = connection.execute(
        f"select sum(row_count), sum(rejected_row_count) from raw.deliveries where {dts}"
    ).fetchall()[0]
    return int(rows), int(rejected)


def _count_rows(connection: duckdb.DuckDBPyConnection, table: Table, dts: str) -> None:
    """Updates what raw.deliveries says of the rows of some dts, `dts` being a query of them."""
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
                (select count(*) from raw.rejected_rows j where {table.condition} and j.dt = l.dt)
                    as rejected_row_count
            from ({dts}) l (dt)
            left join raw.{table.relation} i on l.dt = i._dt
            group by l.dt
        ) r
        where {table.condition} and d.dt = r.dt
        """
    )
    if table.event_time:
        connection.execute(
            f"""
            delete from raw.delivery_lateness where {table.condition} and dt in ({dts});
            insert into raw.delivery_lateness from {lateness(table, table.event_time)} where dt in ({dts});
            """
        )
