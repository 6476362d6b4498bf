"""Files to grids of cells: what a file is, is told by what stands in it and not by its name. Nothing in a file is run."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import re
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
import python_calamine
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from orchestration.errors import KefuError
from orchestration.imports.cells import Cell, Contents, Grid, Row, cell_of

MIB = 1024 * 1024
MAX_BYTES = 256 * MIB  # of a file
MAX_UNPACKED_BYTES, MAX_UNPACKED_FOLD = 512 * MIB, 200  # of a workbook; the second counts above FREE_BYTES
FREE_BYTES = 32 * MIB
MAX_ROWS, MAX_COLUMNS = 200_000, 500
LAST_ROW = 1_048_576  # that a workbook can have
MAX_CELL = 32_767 * 4  # characters: a workbook's limit, with some room for what a CSV file may hold
SHOWN = 8  # cells
MAX_DEPTH = 50  # of JSON within JSON
OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # with which .xls files begin, and encrypted workbooks
DELIMITERS = (",", "\t", ";")
FORMULA, MERGED = re.compile(rb"<(?:\w+:)?f[ >/]"), re.compile(rb'<(?:\w+:)?mergeCell [^>]*ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
CHUNK = MIB
OVERLAP = 200  # bytes of a chunk that are looked at again with the next one


def read_file(path: Path) -> Contents:
    """Reads a file. KefuError says, without the file's name, why it cannot be read."""
    try:
        if not path.is_file():
            raise KefuError("there is no such file")
        if path.stat().st_size > MAX_BYTES:
            raise KefuError(f"it is larger than {MAX_BYTES // MIB} MiB: export fewer days at a time")
        content = path.read_bytes()
    except OSError as error:
        raise KefuError(f"it cannot be read: {error.strerror}") from error
    if not content.strip():
        raise KefuError("it is empty")
    if content.startswith(b"PK"):
        return _workbook(content)
    if content.startswith(OLE):
        return _legacy(content)
    return _text(content)


# --- workbooks


def _workbook(content: bytes) -> Contents:
    told: list[str] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_size(archive, len(content))
            names = archive.namelist()
            if "xl/workbook.xml" not in names:
                kind = "an .xlsb workbook" if "xl/workbook.bin" in names else "a zip archive and no workbook"
                raise KefuError(f"it is {kind}: save the sheet as .xlsx or .csv")
            if any(name.endswith("vbaProject.bin") for name in names):
                told.append("the workbook has macros, which are not run")
        return Contents(list(_sheets(content, told)), told)
    except (
        *(zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, EOFError, OSError),
        *(KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, NotImplementedError, RuntimeError),
    ) as error:  # openpyxl checks little of what it reads
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise KefuError(f"the workbook is broken: {reason}; open it in a spreadsheet and save it anew as .xlsx") from error


def _check_size(archive: zipfile.ZipFile, packed: int) -> None:
    """Refuses what would not fit into memory, by what the archive says of itself: no more than that is ever unpacked."""
    size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_UNPACKED_BYTES or (size > FREE_BYTES and size > MAX_UNPACKED_FOLD * packed):
        limit = f"{MAX_UNPACKED_BYTES // MIB} MiB or {MAX_UNPACKED_FOLD} times its size"
        raise KefuError(f"it unpacks to {size // MIB:,} MiB, more than {limit}: this is no sheet that a platform makes")


def _sheets(content: bytes, told: list[str]) -> Iterator[Grid]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that are left out
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        formulas = None
        for sheet in workbook.worksheets:
            if sheet.sheet_state != "visible":
                told.append(f"sheet {sheet.title} is hidden: skipped")
                continue
            if not isinstance(sheet, ReadOnlyWorksheet):
                continue
            has_formulas, merged = _scan(content, sheet._worksheet_path)
            grid = Grid(sheet.title, _rows(_values(sheet), sheet.title), merged=merged)
            if has_formulas:
                formulas = formulas or openpyxl.load_workbook(io.BytesIO(content), read_only=True)
                told += _without_value(grid, _values(formulas[sheet.title]))
            yield grid


def _values(sheet: Any) -> Iterator[tuple[Cell, ...]]:
    sheet.reset_dimensions()  # which are what the file says of itself, and may be anything
    for row in sheet.iter_rows():
        yield tuple(cell_of(cell.value, cell.number_format if isinstance(cell.value, int | float) else "") for cell in row)


def _without_value(grid: Grid, with_formulas: Iterable[tuple[Cell, ...]]) -> list[str]:
    """Tells the formulas of a sheet that no program has computed: what they give is not in the file."""
    rows = {row.number: row for row in grid.rows}
    found = [
        f"{_letters(index)}{number}"
        for number, cells in enumerate(with_formulas, start=1)
        for index, cell in enumerate(cells)
        if cell.text.startswith("=") and not (number in rows and rows[number].cell(index).text)
    ]
    if not found:
        return []
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    where = f"sheet {grid.name}: {', '.join(found[:SHOWN])}{more}"
    return [f"{where}: formulas without a value, read as empty; open the file in a spreadsheet and save it to have them"]


def _letters(index: int) -> str:
    return str(openpyxl.utils.get_column_letter(index + 1))


def _scan(content: bytes, path: str) -> tuple[bool, dict[tuple[int, int], tuple[int, int]]]:
    """Whether a sheet has formulas, and the cells that lie within merged ones, which a streaming reader does not tell."""
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    has_formulas, rest = False, b""
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(path.lstrip("/")) as stream:
        while chunk := stream.read(CHUNK):
            part = rest + chunk
            has_formulas = has_formulas or FORMULA.search(part) is not None
            for match in MERGED.finditer(part):
                _merge(merged, *match.groups())
            rest = part[-OVERLAP:]
    return has_formulas, merged


def _merge(merged: dict[tuple[int, int], tuple[int, int]], left: bytes, top: bytes, right: bytes, bottom: bytes) -> None:
    first, last = (openpyxl.utils.column_index_from_string(letters.decode()) - 1 for letters in (left, right))
    rows, columns = range(int(top), min(int(bottom), LAST_ROW) + 1), range(first, last + 1)
    if len(rows) * len(columns) <= MAX_ROWS and len(merged) <= MAX_ROWS:
        merged.update({(row, column): (int(top), first) for row in rows for column in columns})


def _legacy(content: bytes) -> Contents:
    """Reads an .xls file, or says that a workbook is encrypted."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise KefuError("the workbook is encrypted: save it without a password")
    told: list[str] = []
    grids = []
    try:
        with _silence():
            workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
            for sheet in workbook.sheets_metadata:
                if sheet.visible != python_calamine.SheetVisibleEnum.Visible:
                    told.append(f"sheet {sheet.name} is hidden: skipped")
                elif sheet.typ == python_calamine.SheetTypeEnum.WorkSheet:
                    cells = workbook.get_sheet_by_name(sheet.name).iter_rows()
                    grids.append(Grid(sheet.name, _rows((tuple(map(cell_of, row)) for row in cells), sheet.name)))
    except python_calamine.PasswordError as error:
        raise KefuError("the workbook is encrypted: save it without a password") from error
    except BaseException as error:
        # What calamine does not expect ends as an exception that is no Exception.
        if isinstance(error, KefuError | KeyboardInterrupt | SystemExit):
            raise
        raise KefuError("it is an old or broken .xls file that cannot be read: save it anew as .xlsx") from error
    return Contents(grids, told)


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps from stderr what calamine writes there by itself where it meets what it does not expect."""
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def _rows(rows: Iterable[Sequence[Cell]], sheet: str = "") -> list[Row]:
    """The rows in which anything stands, within limits."""
    kept: list[Row] = []
    where = f"sheet {sheet}" if sheet else "it"
    for number, cells in enumerate(rows, start=1):
        width = max((index for index, cell in enumerate(cells, start=1) if cell.text), default=0)
        if number > LAST_ROW or (width and len(kept) == MAX_ROWS):
            raise KefuError(f"{where} has more than {MAX_ROWS:,} rows: export fewer days at a time")
        if width > MAX_COLUMNS:
            raise KefuError(f"{where} has more than {MAX_COLUMNS} columns in row {number}")
        if any(len(cell.text) > MAX_CELL for cell in cells):
            raise KefuError(f"{where} has a cell of more than {MAX_CELL:,} characters in row {number}")
        if width:
            kept.append(Row(number, tuple(cells[:width])))
    return kept


# --- text


def _text(content: bytes) -> Contents:
    text, encoding = _decoded(content)
    if "\0" in text:
        raise KefuError("it holds NUL bytes: it is neither a sheet nor text")
    start = text.lstrip()[:200].lower()
    if start.startswith(("{", "[")):
        return Contents([], [], _json(text))
    if start.startswith("<"):
        raise KefuError("it is a web page or XML under the name of a sheet: open it in a spreadsheet and save it as .xlsx")
    told = [f"text in {encoding}"] if encoding != "UTF-8" else []
    return Contents([Grid("", _csv_rows(text))], told)


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = [("utf-16", "UTF-16")]
    else:
        encodings = [("utf-8-sig", "UTF-8"), ("gb18030", "GB 18030")]
    for encoding, name in encodings:
        with suppress(UnicodeDecodeError):
            return content.decode(encoding), name
    raise KefuError("it is neither a workbook nor text in UTF-8 or GB 18030")


def _json(text: str) -> object:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    try:
        # Numbers as they stand there: what goes on as text is not to be rounded.
        return json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise KefuError(f"it is broken JSON: {' '.join(str(error).split())[:120]}") from error


class _Number(str):
    """A number of a JSON text, as it is written."""

    __slots__ = ()


def _csv_rows(text: str) -> list[Row]:
    head = "\n".join(text[:FREE_BYTES].splitlines()[:10])
    delimiter = max(DELIMITERS, key=head.count)
    csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return _rows(tuple(map(cell_of, row)) for row in reader)
    except csv.Error as error:
        raise KefuError(f"its line {reader.line_num} is broken: {error}") from error


def walk(tree: object, visit: Callable[[str, object], None], path: str = "", depth: int = 0) -> None:
    """Visits everything within a JSON text, with the path to it."""
    if depth > MAX_DEPTH:
        raise KefuError(f"its JSON lies more than {MAX_DEPTH} levels deep")
    visit(path, tree)
    if isinstance(tree, dict):
        for key, value in tree.items():
            walk(value, visit, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(tree, list):
        for value in tree:
            walk(value, visit, path, depth + 1)
