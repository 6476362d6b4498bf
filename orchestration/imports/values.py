"""What a cell says: numbers, shares, spans of time, days."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from orchestration.imports.cells import Cell

NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?|[+-]?\.\d+")
SPAN = re.compile(r"(?:(\d+)(?:小时|时|h))?(?:(\d+)(?:分钟|分|min|m))?(?:(\d+(?:\.\d+)?)(?:秒钟|秒|s))?")
CLOCK = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?")
DAY = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|\.(\d{1,2})\.(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))"
)
MIDNIGHT = re.compile(
    r"(?:t|(?<=\d))0?0:00(?::00(?:\.0+)?)?$"
)  # what is left of a day that was held as a time, once spaces are gone
MONTH = re.compile(r"(\d{4})(?:-(\d{1,2})|/(\d{1,2})|年(\d{1,2})月|(\d{2}))")
SERIAL_START, SERIAL_FIRST, SERIAL_LAST = date(1899, 12, 30), 36_526, 73_050  # of spreadsheets; the years 2000 to 2099
UNITS = re.compile(r"\((%|秒|s|分钟|min|元|人|次|个|条|件|轮|字)\)$")
Span = tuple[date, date]


@lru_cache(maxsize=65_536)
def plain(text: str) -> str:
    """A header or label as it is compared: half-width, without spaces, digits for 三分钟."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).replace("三分钟", "3分钟").lower()


def number(cell: Cell) -> float | None:
    """A number, with or without a percent sign; None of anything else."""
    if isinstance(cell.value, int | float):
        return float(cell.value) * (100 if cell.is_percent else 1)
    text = plain(cell.text).removesuffix("%")
    return float(text.replace(",", "")) if NUMBER.fullmatch(text) else None


def says_percent(cell: Cell) -> bool:
    """Whether a number is percent beyond doubt."""
    return cell.is_percent or plain(cell.text).endswith("%")


def seconds(cell: Cell, unit: str = "") -> float | None:
    """A span of time; a bare number is in the header's unit, else in seconds."""
    if isinstance(cell.value, timedelta):
        return cell.value.total_seconds()
    if isinstance(cell.value, time):
        return cell.value.hour * 3600 + cell.value.minute * 60 + cell.value.second + cell.value.microsecond / 1e6
    if cell.is_percent or cell.text.endswith("%"):
        return None
    bare = number(cell)
    if bare is not None:
        return bare * 60 if unit in ("分钟", "min") else bare
    text = plain(cell.text)
    if match := CLOCK.fullmatch(text):
        first, second, third = match.groups()
        return int(first) * 3600 + int(second) * 60 + float(third) if third else int(first) * 60 + int(second)
    match = SPAN.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, rest = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0)


def span(cell: Cell) -> Span | None:
    """The first and last day of what a cell names: a day, a range, a month."""
    if isinstance(cell.value, datetime):
        return (cell.value.date(),) * 2
    if isinstance(cell.value, date):
        return (cell.value, cell.value)
    if isinstance(cell.value, int | float) and SERIAL_FIRST <= cell.value <= SERIAL_LAST:
        day = SERIAL_START + timedelta(days=int(cell.value))
        return (day, day)
    return span_of(cell.text)


def span_of(text: str) -> Span | None:
    """The same of a text."""
    text = plain(text)
    for match in re.finditer(r"~|至|到|--|—+|-", text):
        first, last = day_of(text[: match.start()]), day_of(text[match.end() :])
        if first and last:
            return (first, last) if first <= last else None
    if day := day_of(text):
        return (day, day)
    if NUMBER.fullmatch(text) and SERIAL_FIRST <= float(text.replace(",", "")) <= SERIAL_LAST and len(text) != 6:
        day = SERIAL_START + timedelta(days=int(float(text)))
        return (day, day)
    if month := month_of(text):
        return (month, last_of_month(month))
    return None


def day_of(text: str) -> date | None:
    match = DAY.fullmatch(MIDNIGHT.sub("", text) if ":" in text else text)
    return _date([group for group in match.groups() if group]) if match else None


def month_of(text: str) -> date | None:
    """The first day of a month."""
    match = MONTH.fullmatch(plain(text))
    return _date([*(group for group in match.groups() if group), "1"]) if match else None


def _date(parts: list[str]) -> date | None:
    try:
        found = date(*map(int, parts))
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2099 else None


def last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
