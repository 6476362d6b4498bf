"""Files to relations: every format gives the same columns as text, so that one rule per type reads them all, and those that a
file already holds in the contract's type as they are.

A relation's rows have the file's columns, `_path`, and `_number`, which counts the rows of a file from any number on.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import re
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import duckdb

from orchestration.errors import KefuError
from orchestration.home import first_line
from orchestration.landing.columns import value_held
from orchestration.landing.contract import Table
from orchestration.landing.deliveries import File
from orchestration.sql import name, text

MAX_ROW_BYTES = 16 * 1024 * 1024
BUFFER_BYTES = 2 * MAX_ROW_BYTES
CHUNK_BYTES = 1024 * 1024
MAX_UNPACKED_BYTES, MAX_UNPACKED_FOLD = 256 * 1024 * 1024, 1000  # a gzip file above both is refused
MAX_BROKEN_ROWS = 10_000  # of a CSV file, whose number of values is not that of the header: DuckDB takes too long over them
AFTER_THE_END = "after the end"
LINE_SEPARATOR = "\x01"  # cannot stand in a JSON text, so that a line stays one column
LINE, LINE_ENDS = re.compile(rb"[^\r\n]+"), (b"\r", b"\n")
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
SHOWN_COLUMNS = 12
UTF_8, GBK, UTF_16 = "utf-8", "gb18030", "utf-16"  # GB 18030 has all of GBK
REPLACED = "\ufffd"
LARGEST_WHOLE = {"FLOAT": 2**24, "DOUBLE": 2**53}  # from where on a float may be another whole number than was meant


class UnreadableError(KefuError):
    """What is wrong with a file as a whole."""


class Column(NamedTuple):
    """A column of a file."""

    name: str  # as the contract writes it, where the contract knows it
    data_type: str
    in_file: str


@dataclass(frozen=True)
class Header:
    columns: tuple[Column, ...]
    delimiter: str = ","

    def remarks(self) -> list[str]:
        """What of it is read although it is written otherwise."""
        others = [column.in_file for column in self.columns if column.name != column.in_file]
        names = [f"column names read whatever their case and spaces: {', '.join(others)}"] if others else []
        return names + ([f"values separated by {DELIMITERS[self.delimiter]}"] if self.delimiter != "," else [])


@dataclass(frozen=True)
class Source:
    """Where a column's value comes from: an expression of a relation's rows, and the type in which a file holds it."""

    expression: str
    data_type: str


@dataclass(frozen=True)
class Relation:
    rows: str  # a query; rows that are numbered one after the other, which is slow, are read with it once
    texts: dict[str, str]  # by the table's columns, expressions for their text
    held: dict[str, Source]  # the columns that the files hold in the contract's type, which need not be read as text
    raw_row: str  # an expression for the row as it came, for rejected ones
    files: tuple[File, ...]  # with the paths where the reader finds them
    columns: tuple[str, ...]  # as they stand in the files
    unknown_columns: tuple[str, ...]
    fault: str = "null::varchar"  # an expression for what is wrong with a rejected row as a whole
    parsed: str = "*"  # the select list that makes of `rows` what the expressions are of
    is_read_in_order: bool = True

    @property
    def sql(self) -> str:
        """A query for the table's columns as text."""
        texts = ", ".join(f"{text_of_column} as {name(column)}" for column, text_of_column in self.texts.items())
        return f"select {texts} from (select {self.parsed} from ({self.rows}))"


@dataclass(frozen=True)
class Contents:
    """What files hold: relations that together have their rows; by a file's name how many rows, and in what form they came."""

    relations: list[Relation]
    rows: dict[str, int]
    remarks: dict[str, list[str]]


def read(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[File], aside: Path) -> Contents:
    """Reads the headers of files; those of one format, compression and header become one relation.

    What is not in UTF-8 is written so to the folder `aside`, where it has to stay for as long as the relations are read.
    """
    groups: dict[tuple[str, bool, Header], list[File]] = defaultdict(list)
    rows: dict[str, int] = {}
    remarks: dict[str, list[str]] = {}
    known = _parquet_headers(connection, table, [file for file in files if file.file_format == "parquet"])
    for number, file in enumerate(files):
        try:
            encoding = _encoding(file)
            found = file if encoding == UTF_8 else _in_utf8(file, encoding, aside / f"{number}.{file.file_format}")
            header, rows[file.name] = known.get(str(file.path)) or _HEADERS[file.file_format](connection, table, found)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error, duckdb.Error, UnreadableError) as error:
            raise KefuError(f"{file.name} cannot be read: {first_line(error)}") from error
        _check_columns(table, file, header)
        of_encoding = {UTF_8: [], GBK: ["text in GBK"]}.get(encoding, ["text in UTF-16"])
        remarks[file.name] = of_encoding + header.remarks()
        groups[file.file_format, _is_gzip(found), header].append(found)
    relations = [_READERS[file_format](table, header, tuple(group)) for (file_format, _, header), group in groups.items()]
    return Contents(relations, rows, remarks)


def _check_columns(table: Table, file: File, header: Header) -> None:
    names = {column.name for column in header.columns}
    missing = [column.name for column in table.columns if column.required and column.name not in names]
    if missing:
        found = ", ".join(column.in_file for column in header.columns[:SHOWN_COLUMNS]) or "none"
        more = f" and {len(header.columns) - SHOWN_COLUMNS} more" if len(header.columns) > SHOWN_COLUMNS else ""
        raise KefuError(f"{file.name} lacks required column {', '.join(missing)}; its columns are {found}{more}")


def _columns(table: Table, found: Iterable[tuple[str, str]]) -> tuple[Column, ...]:
    """The columns of a file under the contract's names, whatever their case and the spaces around them."""
    columns = list(found)
    missing = {column.name for column in table.columns} - {column for column, _ in columns}
    plain = {column: column.strip().lower() for column, _ in columns}
    return tuple(
        Column(plain[column] if plain[column] in missing else column, data_type, column) for column, data_type in columns
    )


def _is_gzip(file: File) -> bool:
    return file.path.suffix == ".gz"


def _opened(file: File) -> IO[bytes]:
    return gzip.open(file.path) if _is_gzip(file) else open(file.path, "rb")  # type: ignore[return-value]


def opened(file: File) -> IO[bytes]:
    """Opens a text file to be read in UTF-8, whatever its encoding."""
    encoding = _encoding(file)
    if encoding == UTF_8:
        return _opened(file)
    recoded = TemporaryFile()  # noqa: SIM115, the caller closes it
    recoded.writelines(part.encode() for part in _decoded(file, encoding))
    recoded.seek(0)
    return recoded


def _in_utf8(file: File, encoding: str, path: Path) -> File:
    with open(path, "wb") as target:
        target.writelines(part.encode() for part in _decoded(file, encoding))
    return replace(file, path=path)


def _encoding(file: File) -> str:
    """UTF-8, but where the whole file is UTF-16, or is GBK and most of what is no ASCII is wrong in UTF-8."""
    if file.file_format == "parquet":
        return UTF_8
    with _opened(file) as stream:
        start = stream.read(4)
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and _is_in(file, UTF_16):
        return UTF_16
    for encoding, high_bytes in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if high_bytes == bytes(2) and start != bytes(4) and _is_in(file, encoding):  # ASCII without a mark of the order
            return encoding
    if _is_in(file, UTF_8):
        return UTF_8
    wrong, others = 0, 0
    for part in _decoded(file, UTF_8, "replace"):
        wrong += part.count(REPLACED)
        others += len(part) - len(part.encode("ascii", "ignore"))
    return GBK if 2 * wrong > others and _is_in(file, GBK) else UTF_8


def _is_in(file: File, encoding: str) -> bool:
    try:
        for _ in _decoded(file, encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _decoded(file: File, encoding: str, errors: str = "strict") -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for chunk in _chunks(file):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _chunks(file: File) -> Iterator[bytes]:
    size, packed = 0, file.path.stat().st_size
    with _opened(file) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > max(MAX_UNPACKED_BYTES, MAX_UNPACKED_FOLD * packed) and _is_gzip(file):
                limit = f"{MAX_UNPACKED_BYTES // 1024**2} MiB and {MAX_UNPACKED_FOLD} times its size"
                raise UnreadableError(f"it unpacks to more than {limit}")
            yield chunk


def _text_lines(file: File) -> Iterator[str]:
    """The lines of a file with their ends. A wrapper of a gzip file takes five times as long."""
    rest = ""
    for part in _decoded(file, UTF_8, "replace"):
        whole, line_end, rest = (rest + part).rpartition("\n")
        yield from StringIO(whole + line_end, newline="")
    yield from StringIO(rest, newline="")


def _count_lines(file: File, delimiter: str = ",") -> tuple[int, int, bool]:
    """How many lines are not empty, how often there is a delimiter, and whether there are quotes.

    Looks for a row that DuckDB's buffer does not hold, too.
    """
    lines, delimiters, has_quotes, length = 0, 0, False, 0
    for chunk in _chunks(file):
        chunk = chunk if lines or length else chunk.removeprefix(codecs.BOM_UTF8)
        found = LINE.findall(chunk)
        is_continued = length > 0 and not chunk.startswith(LINE_ENDS)
        lines += len(found) - is_continued
        delimiters += chunk.count(delimiter.encode())
        has_quotes = has_quotes or b'"' in chunk
        length = 0 if chunk.endswith(LINE_ENDS) else len(found[-1]) + (length if is_continued and len(found) == 1 else 0)
        if length > BUFFER_BYTES:
            raise UnreadableError(f"a row of it is longer than {MAX_ROW_BYTES // 1024**2} MiB")
    return lines, delimiters, has_quotes


def _csv_header(connection: duckdb.DuckDBPyConnection, table: Table, file: File) -> tuple[Header, int]:
    with _opened(file) as stream:
        header = csv_header(table, stream)
    lines, delimiters, has_quotes = _count_lines(file, header.delimiter)
    is_plain = not has_quotes and delimiters == lines * (len(header.columns) - 1)
    return header, (lines if is_plain else _count_csv_rows(file, header)) - 1


def csv_header(table: Table, stream: IO[bytes]) -> Header:
    """The columns of a CSV file and what separates its values: that which gives most columns of the contract."""
    headers = [Header(_columns(table, _first_row(stream, delimiter)), delimiter) for delimiter in DELIMITERS]
    known = {column.name for column in table.columns}
    header = max(headers, key=lambda header: len(known & {column.name for column in header.columns}))
    names = [column.in_file.strip().lower() for column in header.columns]
    if not names:
        raise UnreadableError("the file has no header")
    for column in names:
        if names.count(column) > 1:
            raise UnreadableError(f"a column stands twice in the header, its first line: {column}")
    return header


def _first_row(stream: IO[bytes], delimiter: str) -> list[tuple[str, str]]:
    stream.seek(0)
    lines = (line.decode("utf-8-sig") for line in iter(lambda: stream.readline(MAX_ROW_BYTES), b""))
    row = next(csv.reader(lines, delimiter=delimiter), [])
    return [(column or f"column {number}", "VARCHAR") for number, column in enumerate(row, start=1)]


def _count_csv_rows(file: File, header: Header) -> int:
    """Counts rows apart from DuckDB. A quote that is never closed takes the rest of the file with it, unsaid by DuckDB."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(chain(_text_lines(file), [AFTER_THE_END]), delimiter=header.delimiter)
    rows, broken, last, first_line_of_row, next_line = 0, 0, [AFTER_THE_END], 1, 1
    for last in reader:
        rows += bool(last)
        broken += len(last) not in (0, len(header.columns))
        first_line_of_row, next_line = next_line, reader.line_num + 1
        if broken > MAX_BROKEN_ROWS:
            raise UnreadableError(f"more than {MAX_BROKEN_ROWS:,} of its rows have more or fewer values than its header")
    if last != [AFTER_THE_END]:
        raise UnreadableError(f"a quote in its row from line {first_line_of_row} on is not closed before its end")
    return rows - 1


def _jsonl_header(connection: duckdb.DuckDBPyConnection, table: Table, file: File) -> tuple[Header, int]:
    lines, _, _ = _count_lines(file)
    read_lines = _lines([file], "ignore_errors = true")
    keys = connection.execute(f"select distinct unnest(try(json_keys(line))) as key from {read_lines} order by key").fetchall()
    if keys:
        return Header(_columns(table, ((key, "VARCHAR") for (key,) in keys))), lines
    with _opened(file) as stream:
        if stream.read(MAX_ROW_BYTES).strip():
            raise UnreadableError("no line of it is a JSON object")
    return Header(_columns(table, ((column.name, "VARCHAR") for column in table.columns))), 0  # what has no rows lacks nothing


def _parquet_headers(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[File]) -> dict[str, tuple[Header, int]]:
    """Headers and numbers of rows by path, read all at once: DuckDB describes one file of each schema. Empty where one of the
    files cannot be read: which one, reading each by itself tells.
    """
    try:
        found = connection.execute(
            f"""
            select file_name, num_rows, schema
            from parquet_file_metadata({paths(files)})
            join (
                select file_name, string_agg(row(name, type, type_length, scale, precision, repetition_type, num_children,
                    converted_type, logical_type, duckdb_type)::varchar order by column_id) as schema
                from parquet_schema({paths(files)}) group by file_name
            ) using (file_name)
            """
        ).fetchall()
    except duckdb.Error:
        return {}
    described: dict[str, Header] = {}
    by_path = {str(file.path): file for file in files}
    for path, _, schema in found:
        if schema not in described and path in by_path:
            described[schema], _ = _parquet_header(connection, table, by_path[path])
    return {path: (described[schema], int(rows)) for path, rows, schema in found if schema in described}


def _parquet_header(connection: duckdb.DuckDBPyConnection, table: Table, file: File) -> tuple[Header, int]:
    described = connection.execute(f"describe select * from read_parquet({paths([file])}, hive_partitioning = false)").fetchall()
    ((rows,),) = connection.execute(f"select num_rows from parquet_file_metadata({paths([file])})").fetchall()
    return Header(_columns(table, ((column, data_type) for column, data_type, *_ in described))), int(rows)


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


def _known(table: Table, texts: dict[str, str]) -> dict[str, str]:
    """The text of the table's columns, null where the files lack them."""
    return {column.name: texts.get(column.name, "null::varchar") for column in table.columns}


def _unknown(table: Table, header: Header) -> tuple[str, ...]:
    known = {column.name for column in table.columns}
    return tuple(column.in_file for column in header.columns if column.name not in known)


def _read_csv(table: Table, header: Header, files: tuple[File, ...]) -> Relation:
    sources = {column: f"c{number}" for number, column in enumerate(header.columns)}
    # Not in parallel: DuckDB looks for the first row of a later part by its shape, and finds it inside a quoted text.
    rows = f"""
        select *, row_number() over () as _number
        from read_csv(
            {paths(files)}, columns = {{{", ".join(f"{source}: 'VARCHAR'" for source in sources.values())}}},
            header = true, auto_detect = false, delim = {text(header.delimiter)}, quote = '"', escape = '"', nullstr = '',
            allow_quoted_nulls = true, parallel = false, max_line_size = {MAX_ROW_BYTES}, buffer_size = {BUFFER_BYTES},
            {_compression(files)}, hive_partitioning = false, filename = '_path', store_rejects = true
        )"""
    return Relation(
        rows,
        texts=_known(table, {column.name: source for column, source in sources.items()}),
        held={},
        raw_row=_as_json({column.in_file: source for column, source in sources.items()}),
        files=files,
        columns=tuple(column.in_file for column in header.columns),
        unknown_columns=_unknown(table, header),
    )


def _read_jsonl(table: Table, header: Header, files: tuple[File, ...]) -> Relation:
    keys = {column.name: column.in_file for column in header.columns}
    wanted = {column.name: keys.get(column.name, column.name) for column in table.columns}
    structure = "{" + ", ".join(f'{json.dumps(key)}: "VARCHAR"' for key in wanted.values()) + "}"
    return Relation(
        f"select line, _path, row_number() over () as _number from {_lines(files, 'store_rejects = true')}",
        texts={column: f"fields.{name(key)}" for column, key in wanted.items()},
        held={},
        raw_row="line",
        files=files,
        columns=(),
        unknown_columns=_unknown(table, header),
        fault="case when try(json_type(line)) is distinct from 'OBJECT' then 'not a JSON object' end",
        parsed=f"*, try(json_transform(line, {text(structure)})) as fields",
    )


def _read_parquet(table: Table, header: Header, files: tuple[File, ...]) -> Relation:
    ids = {column.name for column in table.columns if column.is_id}
    sources = {column: f"c{number}" for number, column in enumerate(header.columns)}  # a file's own names can be any
    found = {column.name: Source(source, column.data_type) for column, source in sources.items()}
    texts = {
        column: (id_text_of if column in ids else text_of)(source.expression, source.data_type)
        for column, source in found.items()
    }
    rows = f"""
        select
            {", ".join(f"{name(column.in_file)} as {source}" for column, source in sources.items())},
            "path of the file" as _path, file_row_number as _number
        from read_parquet({paths(files)}, hive_partitioning = false, filename = 'path of the file', file_row_number = true)"""
    return Relation(
        rows,
        texts=_known(table, texts),
        held={
            column.name: found[column.name]
            for column in table.columns
            if column.name in found and value_held(column, "", found[column.name].data_type)
        },
        raw_row=_as_json({column.in_file: source for column, source in sources.items()}),
        files=files,
        columns=(),
        unknown_columns=_unknown(table, header),
        is_read_in_order=False,
    )


def text_of(column: str, data_type: str) -> str:
    if data_type.endswith("[]"):
        return f"to_json({column})::varchar"
    return f"decode({column})" if data_type == "BLOB" else f"{column}::varchar"


def id_text_of(column: str, data_type: str) -> str:
    """The text of an id: of a float as 12.0 where it tells a whole number exactly, as 1.2e+01 where not, null for NaN."""
    if data_type not in LARGEST_WHOLE and (not data_type.startswith("DECIMAL") or data_type.endswith(",0)")):
        return text_of(column, data_type)
    number = f"{column}::double"
    is_exact = f"{number} = trunc({number}) and abs({number}) < {LARGEST_WHOLE.get(data_type, LARGEST_WHOLE['DOUBLE'])}"
    return (
        f"case when not isfinite({number}) then null when {is_exact} then {number}::varchar else format('{{:e}}', {number}) end"
    )


def _as_json(columns: dict[str, str]) -> str:
    return f"to_json(struct_pack({', '.join(f'{name(column)} := {value}' for column, value in columns.items())}))::varchar"


_HEADERS = {"csv": _csv_header, "jsonl": _jsonl_header, "parquet": _parquet_header}
_READERS = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}
