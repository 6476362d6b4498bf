"""The sheets that kefu knows, from sheets/*.yml, and which of them a grid is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

import yaml

from orchestration.errors import KefuError
from orchestration.imports.cells import Grid, Row
from orchestration.imports.values import UNITS, plain
from orchestration.landing.contract import platforms
from orchestration.seeds import seed

HEADER_WITHIN = 10  # rows from the first
LEAST_COLUMNS = 2  # by which a sheet is known, if they are at least half of the row
SHOWN = 12  # headers, of a sheet that nobody knows


@dataclass(frozen=True)
class Figure:
    """The metric that a column gives."""

    metric: str
    unit: str  # share (at most 1), ratio (may be above 1), seconds
    numerator: tuple[str, ...] = ()  # columns that add up to it
    denominator: str | None = None


@dataclass(frozen=True)
class Sheet:
    name: str
    of: str  # the program that has it
    columns: tuple[str, ...] = ()
    metrics: Mapping[str, Figure] = field(default_factory=dict)
    groups: tuple[str, ...] = ()  # the first of two header rows, and what stands under each
    grouped: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)  # other names of columns
    titles: tuple[str, ...] = ()
    assessed_month: tuple[str, ...] = ()  # titles
    blocks: tuple[str, ...] = ()  # of JSON: names of what holds the rows
    counts: str | None = None  # a column of such blocks of which the days add up to the whole
    indicators: Mapping[str, str] = field(default_factory=dict)  # of JSON: by code or name, the column

    @property
    def names(self) -> dict[str, str]:
        """The columns by the names under which they are looked for."""
        own = [*self.columns, *self.metrics, *(f"{group} {name}" for group in self.groups for name in self.grouped)]
        return {plain(name): name for name in own} | {plain(name): own for name, own in self.also.items()}


@dataclass(frozen=True)
class Platform:
    name: str
    scope: str  # of its rule parameters
    periods: Mapping[str, str]  # of its metrics, with their kinds, as the seed metric_periods has them
    sheets: tuple[Sheet, ...]

    @property
    def natural_month(self) -> str:
        """The period by which it calls a month by the calendar."""
        return next((period for period, kind in self.periods.items() if kind == "calendar_month"), "month")


@dataclass(frozen=True)
class Common:
    """What tells a row apart, in sheets of all platforms, as `plain` has it."""

    date: frozenset[str]
    account: frozenset[str]
    shop: frozenset[str]
    totals: frozenset[str]
    sums: frozenset[str]
    means: frozenset[str]
    peers: str
    nothing: frozenset[str]

    def label(self, text: str) -> str | None:
        """What a row of this label is: total, sum, mean or peers."""
        found = plain(text).rstrip(":")
        if found.startswith(self.peers):
            return "peers"
        kinds = {"total": self.totals, "sum": self.sums, "mean": self.means}
        return next((kind for kind, labels in kinds.items() if found in labels), None)

    def role(self, header: str) -> str | None:
        """What a column of this header tells of its rows: date, account or shop."""
        kinds = {"date": self.date, "account": self.account, "shop": self.shop}
        return next((kind for kind, names in kinds.items() if header in names), None)


@dataclass(frozen=True)
class Header:
    """A column of a grid."""

    index: int
    name: str  # the sheet's, where it is known; else as it stands there
    is_known: bool
    role: str | None = None
    unit: str = ""  # in brackets behind it


@dataclass(frozen=True)
class Found:
    """A grid that is known: which sheet it is, and its columns."""

    platform: Platform
    sheet: Sheet
    grid: Grid
    title: str  # the sheet's name, or that among its titles under which it came
    headers: tuple[Header, ...]
    header_row: int  # its number, the last of two
    above: tuple[Row, ...]
    rows: tuple[Row, ...]


class UnknownSheetError(KefuError):
    """A grid whose headers belong to no sheet."""


@cache
def common() -> Common:
    entries = _read("common")
    lists = {
        name: frozenset(map(plain, entries[name])) for name in ("date", "account", "shop", "totals", "sums", "means", "nothing")
    }
    return Common(peers=plain(entries["peers"]), **lists)


@cache
def known() -> tuple[Platform, ...]:
    return tuple(
        Platform(name, entry["scope"], _periods(name), tuple(map(_sheet, entry["sheets"])))
        for name, entry in ((name, _read(name)) for name in platforms())
    )


def _read(name: str) -> dict[str, Any]:
    path = resources.files("orchestration.imports").joinpath("sheets", f"{name}.yml")
    entries: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {"sheets": []}
    return {"scope": name} | entries


def _periods(platform: str) -> dict[str, str]:
    return {row["period"]: row["kind"] for row in seed("metric_periods") if row["platform"] == platform}


def _sheet(entry: dict[str, Any]) -> Sheet:
    lists = ("columns", "groups", "grouped", "titles", "assessed_month", "blocks")
    figures = {
        column: Figure(each["metric"], each["unit"], tuple(each.get("numerator", ())), each.get("denominator"))
        for column, each in entry.get("metrics", {}).items()
    }
    return Sheet(
        **entry | {name: tuple(entry.get(name, ())) for name in lists} | {"metrics": figures},
    )


def find(grid: Grid, among: Sequence[Platform], file_name: str) -> Found:
    """The sheet that a grid is, by the headers in its first rows. Of those that fit, the one with most columns."""
    fitting: list[Found] = []
    for position, row in enumerate(grid.rows[:HEADER_WITHIN]):
        if row.number <= HEADER_WITHIN:
            each = (_fits(grid, position, platform, sheet, file_name) for platform in among for sheet in platform.sheets)
            fitting += [found for found in each if found]
    if not fitting:
        raise UnknownSheetError(_unknown(grid, among))
    best = max(map(_hits, fitting))
    by_platform = {found.platform.name: found for found in reversed(fitting) if _hits(found) == best}
    if len(by_platform) > 1:
        raise KefuError(f"its headers are those of {' and '.join(sorted(by_platform))} alike: add --platform")
    return next(iter(by_platform.values()))


def _hits(found: Found) -> tuple[int, int]:
    """How many columns are known, and how many of them are metrics."""
    known_ones = [header.name for header in found.headers if header.is_known]
    return len(known_ones), sum(name in found.sheet.metrics for name in known_ones)


def _fits(grid: Grid, position: int, platform: Platform, sheet: Sheet, file_name: str) -> Found | None:
    is_certain = position == 0 and (grid.name in sheet.blocks or (bool(sheet.indicators) and grid.name == sheet.name))
    if grid.is_headed != is_certain or (sheet.indicators and not is_certain):
        return None
    row, end = grid.rows[position], position + 1
    texts = {index: cell.text for index, cell in enumerate(row.cells) if cell.text}
    if sheet.groups:
        if end == len(grid.rows):
            return None
        texts = _grouped(row, grid.rows[end], sheet)
        end += 1
    headers = _headers(texts, sheet)
    if not is_certain and not _are_enough(headers, sheet):
        return None
    above = tuple(grid.rows[:position])
    names = [grid.name, *(cell.text for each in above for cell in each.cells), file_name]
    title = next((title for title in sheet.titles if any(title in plain(name) for name in names)), sheet.name)
    return Found(platform, sheet, grid, title, headers, grid.rows[end - 1].number, above, tuple(grid.rows[end:]))


def _are_enough(headers: Sequence[Header], sheet: Sheet) -> bool:
    """Whether the known columns tell the sheet. One is enough if it is a metric's, beside a column that tells rows apart."""
    figures = [header for header in headers if not header.role]
    hits = [header for header in figures if header.is_known]
    if len(hits) == 1:
        return hits[0].name in sheet.metrics and len(figures) < len(headers)
    return len(hits) >= LEAST_COLUMNS and 2 * len(hits) >= len(figures)


def _grouped(first: Row, second: Row, sheet: Sheet) -> dict[int, str]:
    """The headers of two rows: a group holds until the next one. What stands in one row alone is a header by itself."""
    groups, group, texts = {plain(name): name for name in sheet.groups}, None, {}
    for index in range(max(len(first.cells), len(second.cells))):
        upper, lower = first.cell(index).text, second.cell(index).text
        name = plain(upper).removesuffix("评价")
        group = groups.get(name) if upper else group
        if group and lower:
            texts[index] = f"{group} {lower}"
        elif upper or lower:
            texts[index] = upper or lower
    return texts


def _headers(texts: Mapping[int, str], sheet: Sheet) -> tuple[Header, ...]:
    names, headers, seen = sheet.names, [], set()
    for index, text in texts.items():
        key, unit = plain(text), ""
        if key not in names and (match := UNITS.search(key)):
            key, unit = key[: match.start()], match[1]
        name = names.get(key, " ".join(text.split()))
        role = None if key in names else common().role(key)
        if name in seen:  # a header that comes again is another column of its own
            name = f"{name} ({index + 1})"
        seen.add(name)
        headers.append(Header(index, name, key in names and name == names[key], role, unit))
    return tuple(headers)


def _unknown(grid: Grid, among: Iterable[Platform]) -> str:
    """Says which headers were seen, and which known ones are near."""
    rows = grid.rows[:HEADER_WITHIN]
    widest = max(rows, key=lambda row: sum(bool(cell.text) for cell in row.cells), default=None)
    if widest is None:
        return "nothing stands in it"
    seen = [" ".join(cell.text.split())[:40] for cell in widest.cells if cell.text]
    columns = {key: f"{name} ({sheet.name})" for each in among for sheet in each.sheets for key, name in sheet.names.items()}
    near = {
        header: columns[close[0]]
        for header in seen[:SHOWN]
        if (close := get_close_matches(plain(header), columns, n=1, cutoff=0.6))
    }
    more = f" and {len(seen) - SHOWN} more" if len(seen) > SHOWN else ""
    meant = f"; near to them are {', '.join(f'{name} for {header}' for header, name in near.items())}" if near else ""
    return f"its headers belong to no known sheet: {', '.join(seen[:SHOWN])}{more}{meant}"
