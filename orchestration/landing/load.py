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
OF_ROW = "_path, _number, _dt, _file, first_number"  # where a row that is read stands
DELIVERIES = {"dt": "date", "signature": "varchar", "files": "integer", "unknown_columns": "varchar[]"}


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
    adds: bool = False,
) -> Sequence[Landed]:
    """Lands these deliveries, which are in order of their tables, and drops those that are gone.

    With `adds` what has landed of the same dts stays beside them: they are what was added to files since.

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
                adds,
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
    adds: bool,
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
                landed.append(_land_table(connection, batch, contents, record_changes, report, adds))
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
    adds: bool,
) -> Landed:
    table, relations = batch.table, contents.relations

    def read_into(relation: str, is_alone: bool) -> bool:
        try:
            return _read_files(connection, table, contents, relation, is_alone)
        finally:
            batch.check_unchanged()  # first: a file that changes while it is read can look like anything

    repeated = _replace(connection, table, batch.dts, record_changes, read_into, adds=adds)
    if not adds:
        ledger.forget(connection, table, batch.dts)
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


def _create_read_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes what reading tells of besides the rows: of files, of rows that are rejected, of values written in another way."""
    connection.execute(
        """
        create or replace temp table incoming_files (
            _path varchar, _file varchar, _dt date, delivered bigint, first_number bigint default 0
        );
        create or replace temp table broken_lines (_path varchar, row_number bigint, reason varchar, raw_row varchar);
        create or replace temp table rejected (
            dt date, file varchar, row_number bigint, reason varchar, problem varchar, raw varchar, event_at timestamp
        );
        create or replace temp table remarks (remark varchar, row_count bigint);
        create or replace temp table expected (key_hash ubigint, last_dt date);
        """
    )


def _read_files(connection: duckdb.DuckDBPyConnection, table: Table, contents: Contents, target: str, is_alone: bool) -> bool:
    """Reads every row of files that can be read into the relation `target`, which is like that of schema raw; `is_alone` tells
    that no other row of the table is there. Returns whether `expected` has every key that comes several times.
    """
    is_expecting = is_alone and not any(relation.is_read_in_order for relation in contents.relations)
    files = [
        {"_path": str(file.path), "_file": file.name, "_dt": str(file.dt), "delivered": contents.rows[file.name]}
        for relation in contents.relations
        for file in relation.files
    ]
    connection.execute(f"insert into incoming_files by name {json_rows(FILES)}", {"rows": json.dumps(files)})
    try:
        if is_expecting and contents.relations:
            _expect(connection, table, contents.relations)
        for relation in contents.relations:
            rows = _numbered(connection, relation) if relation.is_read_in_order else f"({relation.rows})"
            read = _read(relation, rows)
            connection.execute(f"insert into {target} by name {_incoming(table, relation, read)}")
            _tell_rejected(connection, table, relation, read, target)
            _tell_remarks(connection, table, relation, read)
    except duckdb.Error as error:
        raise _unreadable(contents, error) from error
    return is_expecting


def _numbered(connection: duckdb.DuckDBPyConnection, relation: Relation) -> str:
    """Reads rows in their order into a temporary table. Returns its name."""
    connection.execute(f"create or replace temp table read_rows as {relation.rows}")
    connection.execute(
        """
        update incoming_files as f set first_number = r.first_number
        from (select _path, min(_number) as first_number from read_rows group by _path) r where f._path = r._path
        """
    )
    if _keep_broken_lines(connection, relation):
        _check_broken_lines(connection)
        _count_broken_lines(connection)
    return "read_rows"


def _values(table: Table, relation: Relation, read: str, others: str = OF_ROW, *, as_text: bool = False) -> str:
    """A query for what was delivered of each column of the rows `read`, its value, and `others`.

    What a file holds in the contract's type goes no way through a text, unless it is wanted `as_text`.
    """
    sources, values = [], []
    for column in table.columns:
        source, held = columns.raw_text(column.name), None if as_text else relation.held.get(column.name)
        delivered = held.expression if held else relation.texts[column.name]
        value = columns.value_held(column, source, held.data_type) if held else columns.value(column, source)
        sources.append(f"{columns.delivered(column, delivered, is_text=held is None)} as {source}")
        values.append(f"{value} as {name(column.name)}")
    return f"select *, {', '.join(values)} from (select {', '.join(sources)}, {others} from {read})"


def _incoming(table: Table, relation: Relation, read: str) -> str:
    """A query for the rows of files as schema raw has them; _stands is null where anything is wrong with a row."""
    return f"""
        select
            {_names(table)}, _dt, _file, _number - first_number + 1 as _row, timestamp {text(beijing_now())} as _landed_at,
            case when not {columns.is_wrong(table)} then coalesce(_dt = last_dt, true) end as _stands
        from ({_values(table, relation, read)})
        left join expected on {_hashed_key(table)} = key_hash
    """


def _expect(connection: duckdb.DuckDBPyConnection, table: Table, relations: Sequence[Relation]) -> None:
    """Fills temporary table `expected` with the keys that several rows of these relations have, and the last dt of each: then
    rows stand as they are written. To update them later takes longer than to read their keys twice.
    """
    keys = " union all ".join(
        f"select {_hashed_key(table)} as key_hash, _dt from ({_values(table, relation, _read(relation, f'({relation.rows})'))})"
        for relation in relations
    )
    connection.execute(f"insert into expected select key_hash, max(_dt) from ({keys}) group by all having count(*) > 1")


def _read(relation: Relation, rows: str) -> str:
    """What a relation's columns are expressions of, each row with its file."""
    return f"(select {relation.parsed} from {rows}) join incoming_files using (_path)"


def _tell_rejected(connection: duckdb.DuckDBPyConnection, table: Table, relation: Relation, read: str, target: str) -> None:
    """Takes rows with which anything is wrong out of `target` into `rejected`, with all that is wrong: they are read again."""
    (is_any,) = connection.execute(f"select exists (from {target} where _stands is null)").fetchall()[0]
    if not is_any:
        return
    values = _values(
        table,
        relation,
        f"{read} join wrong_rows using (_path, _number)",
        f"{OF_ROW}, {relation.raw_row} as _raw, {relation.fault} as _fault",
        as_text=True,
    )
    event = name(table.event_time) if table.event_time else "null"
    connection.execute(
        f"""
        create or replace temp table wrong_rows as
        select f._path, t._row + f.first_number - 1 as _number
        from {target} t join incoming_files f on t._file = f._file
        where t._stands is null;
        insert into rejected
        select
            _dt, _file, _number - first_number + 1, coalesce(_fault, {columns.reason(table)}),
            coalesce(_fault, {columns.problem(table)}), _raw, {event}
        from ({values});
        delete from {target} where _stands is null;
        """
    )


def _tell_remarks(connection: duckdb.DuckDBPyConnection, table: Table, relation: Relation, read: str) -> None:
    """Counts rows that can be read although something of them is written in another way."""
    remarks = columns.remarks(column for column in table.columns if column.name not in relation.held)
    if not remarks:
        return
    values = _values(table, relation, read)
    counts = ", ".join(f"count(*) filter ({is_true})" for is_true, _ in remarks)
    (is_any,) = connection.execute(
        f"select exists (from ({values}) where {' or '.join(is_true for is_true, _ in remarks)})"
    ).fetchall()[0]
    if is_any:
        (found,) = connection.execute(f"select {counts} from ({values}) where not {columns.is_wrong(table)}").fetchall()
        connection.execute(
            "insert into remarks select unnest($1::varchar[]), unnest($2::bigint[])", [[told for _, told in remarks], [*found]]
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


def _check_counts(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> None:
    """Refuses a file of which DuckDB read more or fewer rows than a count apart from it."""
    found = connection.execute(
        f"""
        select file, delivered, landed + replaced + rejected as read
        from raw.delivered_files
        where {ledger.of(table, dts)} and delivered <> read
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
        update read_rows as r set _number = r._number + s.broken
        from (
            select r.rowid as id, b.broken
            from read_rows r
            asof join (
                select f._path, f.first_number + b.row_number - n as from_number, max(n) as broken
                from (select *, row_number() over (partition by _path order by row_number) as n from broken_lines) b
                join incoming_files f using (_path)
                group by all
            ) b on r._path = b._path and r._number >= b.from_number
        ) s
        where r.rowid = s.id
        """
    )


def _unreadable(contents: Contents, error: duckdb.Error) -> KefuError:
    files = [file for relation in contents.relations for file in relation.files]
    named = max(
        [file.name for file in files if str(file.path) in str(error)] or [files[0].name], key=len
    )  # of x.csv and x.csv.gz both stand in the message about the latter
    if "state machine reached an invalid state" in str(error):
        return KefuError(f"{named} cannot be read: its line ends are mixed (a carriage return or line feed outside quotes)")
    if "Invalid unicode" in str(error):  # also where the reader cuts off a long row to quote it
        return KefuError(f"{named} cannot be read: a row is not UTF-8, or longer than {MAX_ROW_BYTES // 1024**2} MiB")
    return KefuError(f"{named} cannot be read: {first_line(error)}")


def _names(table: Table) -> str:
    return ", ".join(name(column.name) for column in table.columns)


def _keep_broken_lines(connection: duckdb.DuckDBPyConnection, relation: Relation) -> bool:
    """Keeps lines that the CSV reader could not take apart, and tells whether there are any; it lists them in tables, even where
    there are none.
    """
    try:
        (is_any_broken,) = connection.execute("select exists (from reject_errors)").fetchall()[0]
    except duckdb.CatalogException:  # no such table; to ask the catalog for it takes five times as long
        return False
    if is_any_broken:
        _copy_broken_lines(connection, relation)
    connection.execute("drop table reject_errors; drop table reject_scans")
    return bool(is_any_broken)


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


def _key(table: Table) -> str:
    return ", ".join(map(name, table.key))


def _hashed_key(table: Table) -> str:
    return f"hash({_key(table)})"


def _drop(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date], record_changes: bool) -> None:
    """Takes deliveries out of schema raw, as if they had never come."""
    _replace(connection, table, dts, record_changes, lambda relation, is_alone: False)
    ledger.forget(connection, table, dts)
    for relation in ("raw.deliveries", "raw.delivery_lateness"):
        connection.execute(f"delete from {relation} where {ledger.of(table, dts)}")


def _replace(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    dts: Sequence[date],
    record_changes: bool,
    read_into: Callable[[str, bool], bool],
    *,
    adds: bool = False,
) -> int:
    """Puts what `read_into` writes into a relation in place of what the same dts held, or with `adds` beside it; the last dt of a
    key stands.

    With `record_changes`, changed rows go to schema changed. Returns how many rows had the key of a later row of their dt.
    """
    raw, of_dts = f"raw.{table.relation}", "false" if adds else f"_dt in ({ledger.listed(dts)})"
    _create_read_tables(connection)
    connection.execute(
        f"create or replace temp table affected as select distinct {_hashed_key(table)} as key_hash from {raw} where {of_dts}"
    )
    if record_changes or adds:  # what is read is to be known before what it replaces goes: it is read aside, which takes longer
        connection.execute(f"create or replace temp table incoming as from {raw} limit 0")
        read_into("incoming", False)
        connection.execute(f"insert into affected select {_hashed_key(table)} from incoming")
        if record_changes:
            connection.execute(f"create or replace temp table before as {_standing(table, _affected(table))}")
        connection.execute(f"delete from {raw} where {of_dts}; insert into {raw} from incoming; drop table incoming")
    else:
        connection.execute(f"delete from {raw} where {of_dts}")
        (is_alone,) = connection.execute(f"select not exists (from {raw})").fetchall()[0]
        is_expecting = read_into(raw, is_alone)
        keys = f"{_hashed_key(table)} from {raw} where {of_dts}"
        several = "key_hash from expected" if is_expecting else keys + " group by all having count(*) > 1" if is_alone else keys
        connection.execute(f"insert into affected select {several}")
    _find_versions(connection, table)
    repeated = _drop_repeated(connection, table, dts)
    _restand(connection, table)
    ledger.find_replacing(connection, table, dts)
    if record_changes:
        _record_changes(connection, table)
    return repeated


def _find_versions(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Fills temporary table `versions` with where the rows of affected keys are. Keys are compared by their hash until then."""
    connection.execute(
        f"""
        create or replace temp table versions as
        select {_key(table)}, rowid as id, _dt, _file, _row, _stands
        from raw.{table.relation}
        where {_hashed_key(table)} in (select key_hash from affected)
        """
    )


def _drop_repeated(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> int:
    """Leaves one row of a key within a dt: that of the later file, then the later of a file. Returns how many went.

    What went stands in temporary table `replaced`, each with the row that stands instead.
    """
    raw = f"raw.{table.relation}"
    same = " and ".join(f"i.{name(column.name)} is not distinct from s.{name(column.name)}" for column in table.columns)
    (count,) = connection.execute(
        f"""
        create or replace temp table later as
        select id, by_id, _dt, _file, _row, by_file, by_row
        from (
            select
                *, last_value(id) over of_key as by_id, last_value(_file) over of_key as by_file,
                last_value(_row) over of_key as by_row
            from versions
            where _dt in ({ledger.listed(dts)})
            window of_key as (
                partition by _dt, {_key(table)} order by _file, _row rows between unbounded preceding and unbounded following
            )
        )
        where id <> by_id;
        create or replace temp table replaced as
        select _dt, _file, _row, by_file, by_row, null::boolean as is_same from later limit 0;
        select count(*) from later
        """
    ).fetchall()[0]
    if count:
        connection.execute(
            f"""
            insert into replaced
            select r._dt, r._file, r._row, r.by_file, r.by_row, {same}
            from later r
            join (from {raw} where rowid in (select id from later)) i on r._dt = i._dt and r._file = i._file and r._row = i._row
            join (from {raw} where rowid in (select by_id from later)) s
                on r._dt = s._dt and r.by_file = s._file and r.by_row = s._row;
            delete from {raw} where rowid in (select id from later);
            delete from versions where id in (select id from later);
            """
        )
    return int(count)


def amend(
    connection: duckdb.DuckDBPyConnection, table: Table, is_removed: str, blanked: dict[str, str], *, record_changes: bool
) -> int:
    """Removes landed rows for which the condition `is_removed` holds, and sets columns of others to other values (`blanked`:
    values by column), in one transaction. Changed rows go to schema changed. Returns how many rows it concerned.
    """
    raw = f"raw.{table.relation}"
    changes = " or ".join(f"{name(column)} is distinct from {value}" for column, value in blanked.items()) or "false"
    connection.execute(
        f"""
        create or replace temp table amended as
        select {_hashed_key(table)} as key_hash, _dt, rowid as id, coalesce({is_removed}, false) as is_removed from {raw}
        where coalesce({is_removed}, false) or {changes};
        create or replace temp table affected as select distinct key_hash from amended;
        """
    )
    dts = [dt for (dt,) in connection.execute("select distinct _dt from amended order by all").fetchall()]
    (count,) = connection.execute("select count(*) from amended").fetchall()[0]
    if not count:
        return 0
    connection.execute("begin")
    try:
        if record_changes:
            connection.execute(f"create or replace temp table before as {_standing(table, _affected(table))}")
        connection.execute(f"delete from {raw} where rowid in (select id from amended where is_removed)")
        if blanked:
            values = ", ".join(f"{name(column)} = {value}" for column, value in blanked.items())
            connection.execute(f"update {raw} set {values} where {changes}")
        _find_versions(connection, table)
        _restand(connection, table)
        if record_changes:
            _record_changes(connection, table)
        ledger.count_landed(connection, table, dts)
        _update_deliveries(connection, table, dts)
        ledger.forget_landed(connection, table)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return int(count)


def _standing(table: Table, ids: str) -> str:
    """The standing rows of some ids: of few in a large table, DuckDB reads no more than these."""
    return f"select {_names(table)} from raw.{table.relation} where _stands and rowid in ({ids})"


def _affected(table: Table) -> str:
    """The ids of the rows of the keys in `affected`."""
    return f"select rowid from raw.{table.relation} where {_hashed_key(table)} in (select key_hash from affected)"


def _restand(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Lets the row of the last dt stand, of each key in `versions`."""
    connection.execute(
        f"""
        update raw.{table.relation} as r set _stands = v.is_last
        from (
            select id, _stands, _dt = max(_dt) over (partition by {_key(table)}) as is_last from versions
        ) v
        where r.rowid = v.id and v._stands <> v.is_last
        """
    )


def _record_changes(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Puts into schema changed what stood in `before` and does not now, and the other way round."""
    connection.execute(
        f"""
        create or replace temp table after as {_standing(table, "select id from versions")};
        insert into changed.{table.relation} by name
        (select * from before except select * from after) union all (select * from after except select * from before)
        """
    )


def _log(connection: duckdb.DuckDBPyConnection, batch: _Batch, relations: Sequence[Relation]) -> tuple[int, int]:
    """Writes deliveries, what became of their rows, and lateness to schema raw. Returns rows landed and rows rejected."""
    table, dts = batch.table, ledger.of(batch.table, batch.dts)
    unknown: dict[date, set[str]] = defaultdict(set)
    for relation in relations:
        for file in relation.files:
            unknown[file.dt].update(relation.unknown_columns)
    ledger.count_landed(connection, table, batch.dts)
    ledger.write(connection, table, batch.dts)
    _check_counts(connection, table, batch.dts)
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
    _update_deliveries(connection, table, batch.dts)
    rows, rejected = connection.execute(
        f"select sum(row_count), sum(rejected_row_count) from raw.deliveries where {dts}"
    ).fetchall()[0]
    return int(rows), int(rejected)


def _update_deliveries(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> None:
    """Updates what schema raw says of the rows of deliveries, by what `ledger.count_landed` counted."""
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
                coalesce(sum(c.row_count), 0) as row_count,
                max(c.newest_event_at) as newest_event_at,
                (select count(*) from raw.rejected_rows j where {table.condition} and j.dt = l.dt)
                    as rejected_row_count
            from (select unnest([{ledger.listed(dts)}])) l (dt)
            left join landed_counts c on l.dt = c.dt
            group by l.dt
        ) r
        where {table.condition} and d.dt = r.dt;
        delete from raw.delivery_lateness where {ledger.of(table, dts)};
        insert into raw.delivery_lateness
        select {text(table.platform)}, {text(table.name)}, dt, days_late, sum(row_count)
        from landed_counts where days_late <= {columns.OLD_DAYS} group by all
        """
    )
