"""Files to relations of text: every format gives the same columns as VARCHAR, so that one rule per type reads them all.

A relation has the table's columns, `_path`, and `_raw`, the row as text (used only for rows that are rejected).
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.contract import Table
from orchestration.errors import KefuError
from orchestration.home import first_line
from orchestration.landing.deliveries import File

MAX_ROW_BYTES = 16 * 1024 * 1024
LINE_SEPARATOR = "\x01"  # cannot stand in a JSON text, so that a line stays one column


@dataclass(frozen=True)
class Relation:
    sql: str
    files: tuple[File, ...]
    unknown_columns: tuple[str, ...]


def read(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[File]) -> list[Relation]:
    """Relations that together hold the files' rows, files of one format and header in one."""
    groups: dict[tuple[str, tuple[str, ...]], list[File]] = defaultdict(list)
    for file in files:
        groups[file.file_format, _columns(connection, table, file)].append(file)
    return [
        _READERS[file_format](table, columns, tuple(group), _unknown(table, columns))
        for (file_format, columns), group in groups.items()
    ]


def text(value: str) -> str:
    """An SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """An SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def _columns(connection: duckdb.DuckDBPyConnection, table: Table, file: File) -> tuple[str, ...]:
    try:
        columns = _HEADERS[file.file_format](connection, file)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, duckdb.Error) as error:
        raise KefuError(f"{file.name} cannot be read: {first_line(error)}") from error
    if columns is None:  # a JSON Lines file without rows lacks nothing
        return tuple(column.name for column in table.columns)
    missing = [column.name for column in table.columns if column.required and column.name not in columns]
    if missing:
        raise KefuError(f"{file.name} lacks required column {', '.join(missing)}")
    return columns


def _unknown(table: Table, columns: Sequence[str]) -> tuple[str, ...]:
    known = {column.name for column in table.columns}
    return tuple(column for column in columns if column not in known)


def _csv_header(connection: duckdb.DuckDBPyConnection, file: File) -> tuple[str, ...]:
    opened = gzip.open if file.path.suffix == ".gz" else open
    with opened(file.path, "rt", encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines), None)
    if not header:
        raise csv.Error("the file is empty, a CSV file has a header")
    if len(set(header)) < len(header):
        raise csv.Error("a column stands twice in the header")
    return tuple(header)


def _jsonl_keys(connection: duckdb.DuckDBPyConnection, file: File) -> tuple[str, ...] | None:
    lines = _lines([file])
    rows, objects = connection.execute(
        f"select count(*), count(*) filter (where json_valid(line) and json_type(line) = 'OBJECT') from {lines}"
    ).fetchall()[0]
    if rows and not objects:
        raise csv.Error("no line of it is a JSON object")
    keys = connection.execute(
        f"""
        select distinct unnest(json_keys(line)) as key
        from {lines}
        where json_valid(line) and json_type(line) = 'OBJECT'
        order by key
        """
    ).fetchall()
    return tuple(key for (key,) in keys) if rows else None


def _parquet_columns(connection: duckdb.DuckDBPyConnection, file: File) -> tuple[str, ...]:
    described = connection.execute(f"describe select * from read_parquet({text(str(file.path))}, hive_partitioning = false)").fetchall()
    return tuple(column for column, *_ in described)


def _paths(files: Sequence[File]) -> str:
    return "[" + ", ".join(text(str(file.path)) for file in files) + "]"


def _lines(files: Sequence[File]) -> str:
    """The lines of JSON Lines files, read as they are, so that one broken line is one rejected row."""
    return f"""(
        select ltrim(line, chr(65279)) as line, _path
        from read_csv(
            {_paths(files)}, columns = {{'line': 'VARCHAR'}}, header = false, auto_detect = false,
            delim = {text(LINE_SEPARATOR)}, quote = '', escape = '', strict_mode = false, null_padding = true,
            max_line_size = {MAX_ROW_BYTES}, hive_partitioning = false, filename = '_path', store_rejects = true
        )
        where line is not null
    )"""


def _known(table: Table, columns: Sequence[str], expression: str) -> str:
    """The table's columns as text, null where the files lack them; `{column}` in the expression is the quoted name."""
    return ", ".join(
        f"{expression.format(column=name(column.name))} as {name(column.name)}"
        if column.name in columns
        else f"null::varchar as {name(column.name)}"
        for column in table.columns
    )


def _read_csv(table: Table, columns: tuple[str, ...], files: tuple[File, ...], unknown: tuple[str, ...]) -> Relation:
    types = ", ".join(f"{text(column)}: 'VARCHAR'" for column in columns)
    row = ", ".join(f"{name(column)} := {name(column)}" for column in columns)
    sql = f"""
        select {_known(table, columns, "{column}")}, _path, to_json(struct_pack({row}))::varchar as _raw
        from read_csv(
            {_paths(files)}, columns = {{{types}}}, header = true, auto_detect = false, delim = ',', quote = '"',
            escape = '"', nullstr = '', allow_quoted_nulls = true, max_line_size = {MAX_ROW_BYTES},
            hive_partitioning = false, filename = '_path', store_rejects = true
        )"""
    return Relation(sql, files, unknown)


def _read_jsonl(table: Table, columns: tuple[str, ...], files: tuple[File, ...], unknown: tuple[str, ...]) -> Relation:
    structure = "{" + ", ".join(f'"{column.name}": "VARCHAR"' for column in table.columns) + "}"
    sql = f"""
        select {_known(table, columns, "row.{column}")}, _path, line as _raw
        from (
            select
                line,
                _path,
                case
                    when json_valid(line) and json_type(line) = 'OBJECT' then json_transform(line, {text(structure)})
                end as row
            from {_lines(files)}
        )"""
    return Relation(sql, files, unknown)


def _read_parquet(table: Table, columns: tuple[str, ...], files: tuple[File, ...], unknown: tuple[str, ...]) -> Relation:
    lists = {column.name for column in table.columns if column.data_type.endswith("[]")}
    known = ", ".join(
        f"to_json({name(column)})::varchar as {name(column)}" if column in lists else f"{name(column)}::varchar as {name(column)}"
        for column in columns
    )
    row = ", ".join(f"{name(column)} := {name(column)}" for column in columns)
    sql = f"""
        select {_known(table, columns, "{column}")}, _path, _raw
        from (
            select {known}, _path, to_json(struct_pack({row}))::varchar as _raw
            from read_parquet({_paths(files)}, union_by_name = true, hive_partitioning = false, filename = '_path')
        )"""
    return Relation(sql, files, unknown)


_HEADERS = {"csv": _csv_header, "jsonl": _jsonl_keys, "parquet": _parquet_columns}
_READERS = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}
