"""Landing files without a buyer's rows. All other rows stay as they are, to the byte where the format is text."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb

from orchestration.errors import KefuError
from orchestration.landing.deliveries import File
from orchestration.landing.readers import MAX_ROW_BYTES, csv_header, opened, paths
from orchestration.privacy.traces import BLANK, Rule
from orchestration.sql import name, text

KEEPING = "surrogateescape"  # of errors in UTF-8: such bytes come out as they went in


@dataclass
class Found:
    """The rows of a file, the buyer's among them, and others that name the buyer in a text."""

    rows: int = 0
    removed: int = 0
    blanked: int = 0

    @property
    def any(self) -> bool:
        return bool(self.removed or self.blanked)


def search(connection: duckdb.DuckDBPyConnection, file: File, rule: Rule) -> Found:
    """Counts what of a file is the buyer's; changes nothing."""
    if file.file_format == "parquet":
        return _search_parquet(connection, file, rule)
    found = Found()
    for _ in _without(file, rule, found):
        pass
    return found


def rewrite(connection: duckdb.DuckDBPyConnection, file: File, rule: Rule) -> None:
    """Writes the file anew without what is the buyer's, aside, and swaps it in; where it is a link, the file it leads to.

    KefuError where somebody wrote to it meanwhile: what they delivered stays.
    """
    target, aside = file.path.resolve(), aside_of(file.path)
    aside.unlink(missing_ok=True)
    before = _stamp(target)
    if file.file_format == "parquet":
        _rewrite_parquet(connection, file, rule, aside)
    else:
        with gzip.open(aside, "wb") if file.path.suffix == ".gz" else open(aside, "wb") as written:
            for part in _without(file, rule, Found()):
                written.write(part.encode("utf-8", KEEPING))
    shutil.copymode(target, aside)
    with open(aside, "rb") as synced:
        os.fsync(synced.fileno())
    if _stamp(target) != before:
        aside.unlink()
        raise KefuError(f"{file.name} was delivered anew while the buyer was removed from it, and stays as it is: run again")
    aside.replace(target)


def _stamp(path: Path) -> tuple[int, int, int, int]:
    """What changes whenever somebody writes to a file or replaces it."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def aside_of(path: Path) -> Path:
    """The path at which a file is written before it is swapped in: beside it, hidden, so that landing does not see it."""
    target = path.resolve()
    return target.with_name(f".{target.name}.forget")


def _without(file: File, rule: Rule, found: Found) -> Iterator[str]:
    """The file's text without what is the buyer's, counted in `found`."""
    with opened(file) as stream:
        yield from (_csv_without if file.file_format == "csv" else _jsonl_without)(stream, rule, found)


def _csv_without(stream: IO[bytes], rule: Rule, found: Found) -> Iterator[str]:
    delimiter = csv_header(rule.table, stream).delimiter
    stream.seek(0)
    rows = csv_rows(io.TextIOWrapper(stream, encoding="utf-8", errors=KEEPING, newline=""), delimiter)
    first, header = next(rows)
    yield first
    columns = [column or f"column {number}" for number, column in enumerate(header or [], start=1)]
    for raw, cells in rows:
        found.rows += 1
        if cells is None or len(cells) != len(columns):  # a line that cannot be read
            is_buyers, blanked = bool(rule.buyer.word.search(raw)), cells
        else:
            is_buyers = rule.is_buyers((column, cell) for column, cell in zip(columns, cells, strict=True) if cell)
            blanked = [
                rule.buyer.word.sub(BLANK, cell) if rule.may_name(column) else cell
                for column, cell in zip(columns, cells, strict=True)
            ]
        if is_buyers:
            found.removed += 1
        elif blanked == cells:
            yield raw
        else:
            found.blanked += 1
            yield _csv_line(blanked or [], delimiter, raw[len(raw.rstrip("\r\n")) :])


def _csv_line(cells: list[str], delimiter: str, line_end: str) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=delimiter, lineterminator=line_end).writerow(cells)
    return line.getvalue()


def csv_rows(stream: io.TextIOBase, delimiter: str = ",") -> Iterator[tuple[str, list[str] | None]]:
    """Rows as they stand in the file, with their cells; None for cells that cannot be told apart.

    A quote that is never closed would take the rest of the file: only its first line is given as a row that cannot be read.
    """
    csv.field_size_limit(MAX_ROW_BYTES)
    lines = _Lines(stream)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.taken = []
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells = None
            if "unexpected end of data" in str(error):
                lines.waiting.extendleft(reversed(lines.taken[1:]))
                del lines.taken[1:]
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
        yield "".join(lines.taken), cells


class _Lines(Iterator[str]):
    """Lines for a csv.reader, which remembers those that make up a row."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self.stream = stream
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else next(self.stream)
        assert isinstance(line, str)
        self.taken.append(line)
        return line.removeprefix("\ufeff") if len(self.taken) == 1 else line


class _Object(list[tuple[str, Any]]):
    """A JSON object as pairs, as a key may stand twice."""


def _jsonl_without(stream: IO[bytes], rule: Rule, found: Found) -> Iterator[str]:
    for chunk in stream:
        for line in chunk.splitlines(keepends=True):  # of bytes: at line feeds and carriage returns only
            raw = line.decode("utf-8", KEEPING)
            if not raw.strip():
                yield raw
                continue
            found.rows += 1
            row = _object(raw)
            if _is_buyers_line(raw, row, rule):
                found.removed += 1
            elif any(_names(rule, column, value) for column, value in row or ()):
                found.blanked += 1
                yield json.dumps(_json_blanked(raw.removeprefix("\ufeff"), rule)) + raw[len(raw.rstrip("\r\n")) :]
            else:
                yield raw


def names_buyer(raw: str, rule: Rule) -> bool:
    """Whether a rejected row is the buyer's, or names the buyer in a text."""
    row = _object(raw)
    return _is_buyers_line(raw, row, rule) or any(_names(rule, column, value) for column, value in row or ())


def _is_buyers_line(raw: str, row: _Object | None, rule: Rule) -> bool:
    """Whether a row is the buyer's; of one that cannot be told apart the word in it says so."""
    if row is None:
        return bool(rule.buyer.word.search(raw))
    return rule.is_buyers((column, cell) for column, value in row for cell in _texts(value))


def _object(raw: str) -> _Object | None:
    """The pairs of a JSON object; None where the text is none."""
    try:
        row = json.loads(
            raw.removeprefix("\ufeff"), object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=str
        )
    except ValueError:
        return None
    return row if isinstance(row, _Object) else None


def _texts(value: object) -> Iterator[str]:
    """The scalars of a JSON value as text."""
    if isinstance(value, _Object):
        for _, inner in value:
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, bool):
        yield str(value).lower()
    elif value is not None:
        yield str(value)


def _names(rule: Rule, column: str, value: object) -> bool:
    return isinstance(value, str) and rule.may_name(column) and bool(rule.buyer.word.search(value))


def _json_blanked(line: str, rule: Rule) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    return {column: rule.buyer.word.sub(BLANK, value) if _names(rule, column, value) else value for column, value in row.items()}


def _parquet_columns(connection: duckdb.DuckDBPyConnection, path: Path, file: File) -> list[tuple[str, str]]:
    relation = _parquet(File(path, file.name, file.dt, file.file_format))
    return [(column, data_type) for column, data_type, *_ in connection.execute(f"describe from {relation}").fetchall()]


def _parquet(file: File) -> str:
    return f"read_parquet({paths([file])}, hive_partitioning = false)"


def _search_parquet(connection: duckdb.DuckDBPyConnection, file: File, rule: Rule) -> Found:
    rule.put_keys(connection)
    is_buyers, blanked = rule.sql(_parquet_columns(connection, file.path, file))
    changes = " or ".join(f"{name(column)} is distinct from {value}" for column, value in blanked.items()) or "false"
    counts = connection.execute(
        f"""
        select count(*), count(*) filter (where is_buyers), count(*) filter (where not is_buyers and names)
        from (select {is_buyers} as is_buyers, {changes} as names from {_parquet(file)})
        """
    ).fetchall()[0]
    return Found(*map(int, counts))


def _rewrite_parquet(connection: duckdb.DuckDBPyConnection, file: File, rule: Rule, aside: Path) -> None:
    rule.put_keys(connection)
    described = _parquet_columns(connection, file.path, file)
    is_buyers, blanked = rule.sql(described)
    replaced = ", ".join(f"{value} as {name(column)}" for column, value in blanked.items())
    codecs = connection.execute(f"select distinct compression from parquet_metadata({paths([file])})").fetchall()
    codec = codecs[0][0] if codecs else "SNAPPY"
    connection.execute(
        f"""
        copy (select *{f" replace ({replaced})" if replaced else ""} from {_parquet(file)} where not ({is_buyers}))
        to {text(aside)} (format parquet, compression {text(codec)})
        """
    )
    if _parquet_columns(connection, aside, file) != described:
        aside.unlink()
        raise KefuError(f"{file.name} has a column of a type that cannot be written again: remove the buyer from it by hand")
