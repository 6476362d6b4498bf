"""Malformed landing files: bytes flipped, cut off, wrong types, huge fields, wrong encodings."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb
from harness import kefu

from faults.common import SOURCE, check_clean, check_readers, scratch
from orchestration.errors import KefuError
from orchestration.landing.contract import Table, contract
from orchestration.landing.deliveries import find_deliveries
from orchestration.landing.load import land
from orchestration.landing.tables import create_tables
from orchestration.sql import text

LIMIT_SECONDS = 20
FORMATS = ("csv", "csv.gz", "jsonl", "jsonl.gz", "parquet")
Row = dict[str, Any]


@dataclass(frozen=True)
class Malformed:
    number: int
    table: Table
    file_format: str
    fault: str
    content: bytes
    rows: int | None  # how many there are to account for; None where the fault makes that a matter of opinion

    @property
    def path(self) -> str:
        return f"{self.table.platform}/{self.table.name}/dt=2023-03-20/{self.number:04}-{self.fault}.{self.file_format}"


def malformed(count: int, seed: int = 1) -> Iterator[Malformed]:
    """So many variants of real landing files, of every format and fault in turn."""
    dice = random.Random(seed)
    files = sorted(path for path in SOURCE.glob("*/*/*/*") if path.stat().st_size > 300)
    for number in range(count):
        source = dice.choice(files)
        table = contract()[source.parent.parent.parent.name, source.parent.parent.name]
        rows = _rows(source)[:40]
        file_format = FORMATS[number % len(FORMATS)]
        faults = ROW_FAULTS | BYTE_FAULTS
        fault = list(faults)[(number // len(FORMATS)) % len(faults)]
        if fault in ROW_FAULTS:
            content = _encode(ROW_FAULTS[fault](rows, table, dice), file_format)
        else:
            content = _pack(BYTE_FAULTS[fault](_encode(rows, file_format.removesuffix(".gz")), dice), file_format, fault)
        yield Malformed(number, table, file_format, fault, content, len(rows) if fault in COUNTABLE else None)


def _rows(path: Path) -> list[Row]:
    relation = (
        f"read_csv({text(str(path))}, all_varchar = true, hive_partitioning = false)" if ".csv" in path.name else _other(path)
    )
    with duckdb.connect() as connection:
        found = connection.execute(f"select * from {relation}")
        names = [column for column, *_ in found.description or ()]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in found.fetchall()]


def _other(path: Path) -> str:
    return (
        f"read_parquet({text(str(path))}, hive_partitioning = false)"
        if path.suffix == ".parquet"
        else f"read_json({text(str(path))}, format = 'newline_delimited', hive_partitioning = false)"
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, list)) else str(value)


def _encode(rows: Sequence[Row], file_format: str) -> bytes:
    if file_format == "parquet":
        return _parquet(rows)
    if file_format.startswith("jsonl"):
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "surrogatepass")
    else:
        lines = io.StringIO()
        writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({key: "|".join(map(str, v)) if isinstance(v, list) else v for key, v in row.items()} for row in rows)
        content = lines.getvalue().encode("utf-8", "surrogatepass")
    return gzip.compress(content, mtime=0) if file_format.endswith("gz") else content


def _parquet(rows: Sequence[Row]) -> bytes:
    with scratch() as folder, duckdb.connect() as connection:
        (folder / "rows.jsonl").write_bytes(_encode(rows, "jsonl"))
        rows_of = f"read_json({text(str(folder / 'rows.jsonl'))}, format = 'newline_delimited', maximum_object_size = 67108864)"
        try:
            connection.execute(f"copy (from {rows_of}) to {text(str(folder / 'rows.parquet'))} (format parquet)")
        except duckdb.Error:  # not every text can stand in a Parquet file
            return b"PAR1" + (folder / "rows.jsonl").read_bytes()
        return (folder / "rows.parquet").read_bytes()


def _pack(content: bytes, file_format: str, fault: str) -> bytes:
    return gzip.compress(content, mtime=0) if file_format.endswith(".gz") else content


# Faults of the rows -------------------------------------------------------------------------------------------------


def _in_some_rows(change: Callable[[Row, str, random.Random], Any]) -> Callable[[Sequence[Row], Table, random.Random], list[Row]]:
    """A change of one column's value in every third row or so."""

    def changed(rows: Sequence[Row], table: Table, dice: random.Random) -> list[Row]:
        column = dice.choice([column.name for column in table.columns if column.name in rows[0]])
        hit = {dice.randrange(len(rows)), *(number for number in range(len(rows)) if dice.random() < 0.3)}
        return [{**row, column: change(row, column, dice)} if number in hit else row for number, row in enumerate(rows)]

    return changed


def _wrong_type(row: Row, column: str, dice: random.Random) -> Any:
    return dice.choice([-1, 1e308, True, "NaN", "0x1F", "2023-02-30 10:00:00", "12345678901234567890", [1, 2], {"a": {"b": 1}}])


def _huge(row: Row, column: str, dice: random.Random) -> str:
    return dice.choice(["长", "x", '"', "a,b\n"]) * dice.choice([70_000, 1_000_000, 6_000_000])


def _odd_text(row: Row, column: str, dice: random.Random) -> str:
    return dice.choice(
        [
            "\x00",
            "a\x00b",
            "\x01",
            "\ufeff",
            "\u2028",
            "\r",
            "\r\n\r\n",
            "'; drop table x; --",
            "\ufffe",
            "👩‍👩‍👧‍👦" * 50,
            " " * 99,
        ]
    )


def _nested(row: Row, column: str, dice: random.Random) -> Any:
    value: Any = 1
    for _ in range(dice.choice([50, 400])):
        value = [value]
    return value


def _without_a_column(rows: Sequence[Row], table: Table, dice: random.Random) -> list[Row]:
    column = dice.choice(list(rows[0]))
    return [{key: value for key, value in row.items() if key != column} for row in rows]


def _other_names(rows: Sequence[Row], table: Table, dice: random.Random) -> list[Row]:
    rename = dice.choice([str.upper, str.title, lambda key: f" {key} ", lambda key: f'{key}"'])
    return [{rename(key): value for key, value in row.items()} for row in rows]


def _many_columns(rows: Sequence[Row], table: Table, dice: random.Random) -> list[Row]:
    return [row | {f"extra {n}": n for n in range(500)} for row in rows]


def _repeated(rows: Sequence[Row], table: Table, dice: random.Random) -> list[Row]:
    return [dice.choice(rows) for _ in rows]


ROW_FAULTS: dict[str, Callable[[Sequence[Row], Table, random.Random], list[Row]]] = {
    "wrong_type": _in_some_rows(_wrong_type),
    "huge_field": _in_some_rows(_huge),
    "odd_text": _in_some_rows(_odd_text),
    "nested": _in_some_rows(_nested),
    "null": _in_some_rows(lambda row, column, dice: None),
    "missing_column": _without_a_column,
    "other_names": _other_names,
    "many_columns": _many_columns,
    "repeated_rows": _repeated,
}
COUNTABLE = {"wrong_type", "odd_text", "nested", "null", "many_columns", "repeated_rows"}

# Faults of the bytes ------------------------------------------------------------------------------------------------


def _flipped(content: bytes, dice: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.choice([1, 5, 50])):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _cut(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content))]


def _cut_in(content: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(content))
    return content[:start] + content[start + dice.randint(1, 200) :]


def _recoded(encoding: str) -> Callable[[bytes, random.Random], bytes]:
    def recoded(content: bytes, dice: random.Random) -> bytes:
        return content.decode("utf-8", "replace").encode(encoding, "replace")

    return recoded


BYTE_FAULTS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flipped": _flipped,
    "cut_off": _cut,
    "cut_in": _cut_in,
    "gbk": _recoded("gbk"),
    "utf16": _recoded("utf-16"),
    "latin1_bytes": lambda content, dice: content.replace("客".encode(), b"\xe9\xff").replace(b"-", b"\x96", 3),
    "zeros": lambda content, dice: content[: len(content) // 2] + bytes(4096) + content[len(content) // 2 :],
    "carriage_returns": lambda content, dice: content.replace(b"\n", b"\r", dice.randint(1, 9)),
    "twice": lambda content, dice: content + content,
    "empty": lambda content, dice: dice.choice([b"", b"\n", b"\xef\xbb\xbf", b"\n\n\n", b"{}", b"[]"]),
    "noise": lambda content, dice: dice.randbytes(2000),
    "compressed_twice": lambda content, dice: gzip.compress(content),
    "brackets": lambda content, dice: content + b"[" * 200_000 + b"\n",
    "quotes": lambda content, dice: content.replace(b",", b'"', 1 + dice.randrange(5)),
}

# What comes of them -------------------------------------------------------------------------------------------------


class TooLongError(Exception):
    """Reading a file took longer than LIMIT_SECONDS."""


@contextmanager
def time_limit() -> Iterator[None]:
    def over(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Warehouse:
    """A warehouse in memory, into which one file after the other lands."""

    def __init__(self, folder: Path) -> None:
        self.landing = folder / "landing"
        self.connection = duckdb.connect()
        self.connection.execute("set TimeZone = 'Asia/Shanghai'")
        create_tables(self.connection)

    def outcome(self, file: Malformed) -> str:
        """'landed', 'rejected' (some or all of its rows) or 'refused', once everything that has to hold does."""
        shutil.rmtree(self.landing, ignore_errors=True)
        path = self.landing / file.path
        path.parent.mkdir(parents=True)
        path.write_bytes(file.content)
        deliveries = find_deliveries(self.landing, contract()).deliveries
        raw = f"raw.{file.table.relation}"
        self._run(f"delete from {raw}; delete from raw.rejected_rows; delete from raw.deliveries")
        try:
            with time_limit():
                (landed,) = land(self.connection, deliveries, record_changes=True, report=lambda line: None)
        except KefuError as error:
            assert file.path in str(error) and "\n" not in str(error), (file.path, str(error)[:500])
            assert self._run(f"select (select count(*) from {raw}), (select count(*) from raw.rejected_rows)") == [(0, 0)]
            return "refused"
        assert (landed.rows, landed.rejected) == self._run(
            f"select (select count(*) from {raw}), (select count(*) from raw.rejected_rows)"
        )[0]
        assert self._run(f"select count(*) from staging.{file.table.relation}") == [(landed.rows,)]
        assert self._run("select count(*) from raw.rejected_rows where reason is null or row_number is null") == [(0,)]
        if file.rows is not None:
            assert landed.rows + landed.rejected + landed.repeated == file.rows, (file.path, landed, file.rows)
        return "rejected" if landed.rejected else "landed"

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()


def outcomes(files: Sequence[Malformed], folder: Path, show: Callable[[str], None]) -> Counter[str]:
    """What came of each file, counted; the survivors stay in folder / 'survivors', each as a delivery of its own."""
    warehouse, counts = Warehouse(folder), Counter[str]()
    days = iter(date.fromordinal(date(2023, 3, 20).toordinal() + n) for n in range(len(files)))
    for file in files:
        started = time.monotonic()
        outcome = warehouse.outcome(file)
        show(f"{file.path} ({len(file.content):,} bytes): {outcome}, {time.monotonic() - started:.1f} s")
        counts[outcome] += 1
        if outcome != "refused":
            path = folder / "survivors" / file.path.replace("dt=2023-03-20", f"dt={next(days)}")
            path.parent.mkdir(parents=True)
            path.write_bytes(file.content)
    return counts


def build_survivors(folder: Path) -> None:
    """One build over everything that landed: rows of odd content go through all models and checks."""
    built = kefu("build", "--landing", folder / "survivors", "--home", folder / "home")
    assert built.code == 0, built.err
    check_readers(folder / "home")
    check_clean(folder / "home")


def main(count: int = 200) -> None:
    with scratch() as folder:
        counts = outcomes(list(malformed(count)), folder, lambda line: print(f"    {line}", file=sys.stderr, flush=True))
        build_survivors(folder)
    print(
        f"fuzzer: {count} malformed files; {counts['landed']} landed, {counts['rejected']} landed with rows rejected, "
        f"{counts['refused']} refused with a line that names them; 0 tracebacks, half landings or hangs; "
        f"the build over the {count - counts['refused']} that landed passed every check"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
