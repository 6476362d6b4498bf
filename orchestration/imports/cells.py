"""Cells and rows as every kind of file gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Cell:
    text: str  # as the sheet has it; empty where nothing stands there
    value: object = None  # of a cell that is no text: a number, date, time or span of time
    is_percent: bool = False  # the sheet shows the number as percent


EMPTY = Cell("")


@dataclass(frozen=True, slots=True)
class Row:
    number: int  # in its sheet, from 1
    cells: tuple[Cell, ...]

    def cell(self, index: int | None) -> Cell:
        return self.cells[index] if index is not None and index < len(self.cells) else EMPTY


@dataclass(frozen=True)
class Grid:
    """A sheet of a file. Rows without anything are not in it."""

    name: str  # of the sheet in a workbook, else empty
    rows: list[Row]
    is_headed: bool = False  # its first row is the header, as it was made so
    merged: Mapping[tuple[int, int], tuple[int, int]] = field(
        default_factory=dict
    )  # cells (row, column) within a merged one: its first


@dataclass(frozen=True)
class Contents:
    """What a file holds, with what is to be told of how it was read."""

    grids: list[Grid]
    told: list[str]
    json: object = None


def cell_of(value: object, number_format: str = "") -> Cell:
    """The cell of a value that a program gave."""
    if value is None:
        return EMPTY
    if isinstance(value, str):
        return Cell(value.strip()) if value.strip() else EMPTY
    if isinstance(value, bool):
        return Cell(str(value).upper())
    if isinstance(value, int | float):
        if "%" in number_format:
            return Cell(f"{_number(round(value * 100, 10))}%", value, is_percent=True)
        return Cell(_number(value), value)
    if isinstance(value, datetime):
        return Cell(str(value.date() if value.time() == time() else value), value)
    if isinstance(value, date | time | timedelta):
        return Cell(str(value), value)
    return Cell(str(value))


def _number(value: float) -> str:
    return str(int(value)) if isinstance(value, int) or (value.is_integer() and abs(value) < 2**53) else repr(value)
