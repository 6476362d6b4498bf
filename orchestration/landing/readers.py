"""Files to relations of text: every format gives the same columns as VARCHAR, so that one rule per type reads them all.

A relation has the table's columns and
- `_path` and `_number`, which counts the rows of a file from any number on: what runs in parallel keeps no order;
- `_delivered`, the row as it came (looked at only where the row is rejected).
"""

from __future__ import annotations

import csv
import gzip
import sys
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from typing import IO

import duckdb

from orchestration.errors import KefuError
from orchestration.home import first_line
from orchestration.landing.contract import Table
from orchestration.landing.deliveries import File
from orchestration.sql import name, text

MAX_ROW_BYTES = 16 * 1024 * 1024
BUFFER_BYTES = 2 * MAX_ROW_BYTES
AFTER_THE_END = "after the end"
LINE_SEPARATOR = "\x01"  # cannot stand in a JSON text, so that a line stays one column

Columns = tuple[tuple[str, str], ...]  # names and types, as in the file


class UnreadableError(Exception):
    """What is wrong with a file as a whole."""


@dataclass(frozen=True)
class Relation:
    sql: str
    files: tuple[File, ...]
    columns: tuple[str, ...]  # as they stand in the files
    unknown_columns: tuple[str, ...]
    raw_row: str  # of `_delivered`, the row as text
    fault: str = "null"  # of `_delivered`, what is wrong with a rejected row as a whole


def read(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[File]) -> list[Relation]:
    """Relations that together hold the files' rows, files of one format, compression and header in one."""
    groups: dict[tuple[str, bool, Columns], list[File]] = defaultdict(list)
    for file in files:
        groups[file.file_format, _is_gzip(file), _columns(connection, table, file)].append(file)
    return [_READERS[file_format](table, columns, tuple(group)) for (file_format, _, columns), group in groups.items()]


def _columns(connection: duckdb.DuckDBPyConnection, table: Table, file: File) -> Columns:
    try:
        if file.file_format != "parquet":
            _check_through(file)
        columns = _HEADERS[file.file_format](connection, file)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error, duckdb.Error, UnreadableError) as error:
        raise KefuError(f"{file.name} cannot be read: {first_line(error)}") from error
    if columns is None:  # a JSON Lines file without rows lacks nothing
        return tuple((column.name, "VARCHAR") for column in table.columns)
    names = {column for column, _ in columns}
    missing = [column.name for column in table.columns if column.required and column.name not in names]
    if missing:
        raise KefuError(f"{file.name} lacks required column {', '.join(missing)}")
    return columns


def _is_gzip(file: File) -> bool:
    return file.path.suffix == ".gz"


def _check_through(file: File) -> None:
    """Looks for what DuckDB would pass over: the rest of a broken gzip file, and a row that its buffer does not hold."""
    if not _is_gzip(file) and file.path.stat().st_size <= MAX_ROW_BYTES:
        return
    with opened(file) as stream:
        while chunk := stream.read(MAX_ROW_BYTES):
            if len(chunk) == MAX_ROW_BYTES and b"\n" not in chunk and b"\r" not in chunk:
                raise UnreadableError(f"a row of it is longer than {MAX_ROW_BYTES // 1024**2} MiB")


def opened(file: File) -> IO[bytes]:
    return gzip.open(file.path) if _is_gzip(file) else open(file.path, "rb")  # type: ignore[return-value]


def _csv_header(connection: duckdb.DuckDBPyConnection, file: File) -> Columns:
    with opened(file) as stream:
        lines = (line.decode("utf-8-sig") for line in iter(lambda: stream.readline(MAX_ROW_BYTES), b""))
        header = next(csv.reader(lines), None)
    if not header:
        raise UnreadableError("the file has no header")
    columns = [column or f"column {number}" for number, column in enumerate(header, start=1)]
    if len({column.lower() for column in columns}) < len(columns):
        raise UnreadableError("a column stands twice in the header")
    _check_quotes(file)
    return tuple((column, "VARCHAR") for column in columns)


def _check_quotes(file: File) -> None:
    """Looks for a quote that is never closed, as where a file was cut off: it takes the rest with it, unsaid by DuckDB."""
    with opened(file) as stream:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: stream.read(BUFFER_BYTES), b""))
    if quotes % 2 == 0:
        return
    csv.field_size_limit(sys.maxsize)
    with TextIOWrapper(opened(file), "utf-8", errors="replace", newline="") as lines:
        rows = csv.reader(chain(lines, [AFTER_THE_END]))
        last: list[str] = []
        first_line_of_row, next_line = 1, 1
        for row in rows:
            last, first_line_of_row, next_line = row, next_line, rows.line_num + 1
    if last != [AFTER_THE_END]:
        raise UnreadableError(f"a quote in its row from line {first_line_of_row} on is not closed before its end")


def _jsonl_keys(connection: duckdb.DuckDBPyConnection, file: File) -> Columns | None:
    lines = _lines([file], "ignore_errors = true")
    keys = connection.execute(f"select distinct unnest(try(json_keys(line))) as key from {lines} order by key").fetchall()
    if keys:
        return tuple((key, "VARCHAR") for (key,) in keys)
    with opened(file) as stream:
        if stream.read(MAX_ROW_BYTES).strip():
            raise UnreadableError("no line of it is a JSON object")
    return None


def _parquet_columns(connection: duckdb.DuckDBPyConnection, file: File) -> Columns:
    described = connection.execute(f"describe select * from read_parquet({paths([file])}, hive_partitioning = false)").fetchall()
    return tuple((column, data_type) for column, data_type, *_ in described)


def _compression(files: Sequence[File]) -> str:
    return f"compression = {text('gzip' if _is_gzip(files[0]) else 'none')}"  # not told, DuckDB reads some gzip files as empty


def paths(files: Sequence[File]) -> str:
    """A list of paths, each of them meant literally."""
    return "[" + ", ".join(text("".join(f"[{c}]" if c in "*?[" else c for c in str(file.path))) for file in files) + "]"


def _lines(files: Sequence[File], on_error: str) -> str:
    """The lines of JSON Lines files, read as they are, so that one broken line is one rejected row."""
    return f"""(
        select line, _path
        from read_csv(
            {paths(files)}, columns = {{'line': 'VARCHAR'}}, header = false, auto_detect = false,
            delim = {text(LINE_SEPARATOR)}, quote = '', escape = '', strict_mode = false, null_padding = true,
            max_line_size = {MAX_ROW_BYTES}, buffer_size = {BUFFER_BYTES}, {_compression(files)},
            hive_partitioning = false, filename = '_path', {on_error}
        )
        where line is not null
    )"""


def _known(table: Table, texts: dict[str, str]) -> str:
    """The table's columns as text, null where the files lack them."""
    return ", ".join(f"{texts.get(column.name, 'null::varchar')} as {name(column.name)}" for column in table.columns)


def _unknown(table: Table, columns: Columns) -> tuple[str, ...]:
    known = {column.name for column in table.columns}
    return tuple(column for column, _ in columns if column not in known)


def _read_csv(table: Table, columns: Columns, files: tuple[File, ...]) -> Relation:
    names = tuple(column for column, _ in columns)
    texts = {column: f"c{number}" for number, column in enumerate(names)}
    # Not in parallel: DuckDB looks for the first row of a later part by its shape, and finds it inside a quoted text.
    sql = f"""
        select {_known(table, texts)}, _path, row_number() over () as _number, struct_pack({_pack(texts)}) as _delivered
        from read_csv(
            {paths(files)}, columns = {{{", ".join(f"{column}: 'VARCHAR'" for column in texts.values())}}},
            header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', nullstr = '',
            allow_quoted_nulls = true, parallel = false, max_line_size = {MAX_ROW_BYTES}, buffer_size = {BUFFER_BYTES},
            {_compression(files)}, hive_partitioning = false, filename = '_path', store_rejects = true
        )"""
    return Relation(sql, files, names, _unknown(table, columns), "to_json(_delivered)::varchar")


def _read_jsonl(table: Table, columns: Columns, files: tuple[File, ...]) -> Relation:
    structure = "{" + ", ".join(f'"{column.name}": "VARCHAR"' for column in table.columns) + "}"
    texts = {column.name: f"delivered.{name(column.name)}" for column in table.columns}
    sql = f"""
        select {_known(table, texts)}, _path, _number, line as _delivered
        from (
            select line, _path, _number, try(json_transform(line, {text(structure)})) as delivered
            from (select line, _path, row_number() over () as _number from {_lines(files, "store_rejects = true")})
        )"""
    fault = "case when try(json_type(_delivered)) is distinct from 'OBJECT' then 'not a JSON object' end"
    return Relation(sql, files, (), _unknown(table, columns), "_delivered", fault)


def _read_parquet(table: Table, columns: Columns, files: tuple[File, ...]) -> Relation:
    texts = {column: text_of(name(column), data_type) for column, data_type in columns}
    sql = f"""
        select
            {_known(table, texts)}, "path of the file" as _path, file_row_number as _number,
            struct_pack({_pack({column: name(column) for column, _ in columns})}) as _delivered
        from read_parquet({paths(files)}, hive_partitioning = false, filename = 'path of the file', file_row_number = true)"""
    return Relation(sql, files, (), _unknown(table, columns), "to_json(_delivered)::varchar")


def text_of(column: str, data_type: str) -> str:
    if data_type.endswith("[]"):
        return f"to_json({column})::varchar"
    return f"decode({column})" if data_type == "BLOB" else f"{column}::varchar"


def _pack(columns: dict[str, str]) -> str:
    return ", ".join(f"{name(column)} := {value}" for column, value in columns.items())


_HEADERS = {"csv": _csv_header, "jsonl": _jsonl_keys, "parquet": _parquet_columns}
_READERS = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}
