"""A sheet of chats into a raw table, by a mapping that says which column is which."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import KefuError
from orchestration.imports.accounts import Names
from orchestration.imports.cells import Cell, Contents, Grid, Row
from orchestration.imports.sheets import HEADER_WITHIN, SHOWN
from orchestration.imports.values import SERIAL_FIRST, SERIAL_LAST, SERIAL_START, day_of, plain
from orchestration.landing.contract import Column, Table, contract
from orchestration.landing.deliveries import nearest

KEYS = {"platform", "table", "columns"}
WAYS = ({"column"}, {"column", "values"}, {"column", "nickname"}, {"value"}, {"made_of"})
EPOCH, BEIJING = datetime(1970, 1, 1), timedelta(hours=8)
CLOCK = re.compile(r"(.+?)[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?")
SHOWN_VALUES = 10
DIGITS = 20  # of an id that is made

Record = dict[str, object]


@dataclass(frozen=True)
class Way:
    """How a column of the raw table is made."""

    column: str | None = None  # of the sheet
    values: dict[str, str] | None = None  # what stands for each of the sheet's
    nickname: bool = False  # the sheet's is an account's nickname
    value: str | None = None  # the same in every row
    made_of: tuple[str, ...] = ()  # columns of the raw table, of which an id is made


@dataclass(frozen=True)
class Mapping:
    path: Path
    table: Table
    ways: dict[str, Way]

    def rows(
        self, contents: Contents, names: Names, shop: str | None, report: Callable[[str], None]
    ) -> dict[date, Sequence[Record]]:
        """The rows of the raw table, by the day of their time."""
        if not contents.grids:
            raise KefuError("it is JSON, and a mapping is for sheets of columns")
        ways = self.ways | ({"shop_id": Way(value=shop)} if shop else {})
        missing = [column.name for column in self.table.columns if column.required and column.name not in ways]
        if missing:
            add = " (--shop names it)" if missing == ["shop_id"] else ""
            raise KefuError(f"{self.path} says nothing of required column {', '.join(missing)}{add}")
        grid, indexes, rows = self._find(contents.grids, ways)
        if grid.name:
            report(f"sheet {grid.name}, as {self.path.name} maps it")
        made = self._made(rows, indexes, ways, names)
        if not made:
            raise KefuError("no row stands below its headers")
        for row, record in zip(rows, made, strict=True):
            for line in self._odd(record, ways):
                report(f"row {row.number}: {line}: it lands as a rejected row")
        days = [(_day(str(record[self._time])), record) for record in made]
        last = max((day for day, _ in days if day), default=None)
        if last is None:
            raise KefuError(f"no row has a time that can be read in {ways[self._time].column}")
        by_day: dict[date, list[Record]] = defaultdict(list)
        for day, record in days:
            by_day[day or last].append(record)  # what has no day is rejected, and counted, like any row without one
        report(f"{len(made):,} rows of {self.table.label}, {min(by_day)} to {last}")
        return dict(by_day)

    @property
    def _time(self) -> str:
        assert self.table.event_time
        return self.table.event_time

    def _find(self, grids: Iterable[Grid], ways: dict[str, Way]) -> tuple[Grid, dict[str, int], Sequence[Row]]:
        """The sheet that has the columns, where each stands, and the rows below."""
        wanted = {plain(way.column): way.column for way in ways.values() if way.column}
        nearest_miss: tuple[list[str], list[str]] | None = None
        for grid in grids:
            for position, row in enumerate(grid.rows[:HEADER_WITHIN]):
                found = {plain(cell.text): index for index, cell in reversed(list(enumerate(row.cells))) if cell.text}
                missing = [name for key, name in wanted.items() if key not in found]
                if not missing:
                    return grid, {name: found[key] for key, name in wanted.items()}, grid.rows[position + 1 :]
                if nearest_miss is None or len(missing) < len(nearest_miss[0]):
                    nearest_miss = missing, [cell.text[:40] for cell in row.cells if cell.text]
        missing, headers = nearest_miss or (list(wanted.values()), ["none"])
        more = f" and {len(headers) - SHOWN} more" if len(headers) > SHOWN else ""
        raise KefuError(
            f"it has no column {', '.join(missing)}, which {self.path} names; its columns are {', '.join(headers[:SHOWN])}{more}"
        )

    def _made(self, rows: Sequence[Row], indexes: dict[str, int], ways: dict[str, Way], names: Names) -> list[Record]:
        """The rows of the raw table. KefuError names every value and nickname that is not known."""
        unlisted: Counter[tuple[str, str]] = Counter()
        nobody: dict[tuple[str, str], str] = {}
        equals: Counter[str] = Counter()
        accounts: dict[tuple[str, str], str] = {}
        columns = {column.name: column for column in self.table.columns}
        in_order = sorted(ways, key=lambda name: (bool(ways[name].made_of), ways[name].nickname, name in self.table.key))
        made: list[Record] = []
        for row in rows:
            record: Record = {}
            for name in in_order:
                way = ways[name]
                if way.column is None:
                    record[name] = self._id(name, way, record, equals) if way.made_of else way.value
                    continue
                text = _text(row.cell(indexes[way.column]), columns[name])
                if way.values is not None and text is not None:
                    if plain(text) not in way.values:
                        unlisted[way.column, text] += 1
                    text = way.values.get(plain(text))
                elif way.nickname and text is not None:
                    who = str(record["shop_id"]), text
                    if who not in accounts and who not in nobody:
                        try:
                            accounts[who] = names.account(*who)
                        except KefuError as error:
                            nobody[who] = str(error)
                    text = accounts.get(who)
                record[name] = text
            made.append(record)
        if unlisted:
            found = [f"{column} {value} ({count} times)" for (column, value), count in unlisted.most_common(SHOWN_VALUES)]
            more = f" and {len(unlisted) - SHOWN_VALUES} more" if len(unlisted) > SHOWN_VALUES else ""
            raise KefuError(f"{self.path} lists no value for {', '.join(found)}{more}")
        if nobody:
            raise KefuError("; ".join(nobody.values()))
        return made

    def _odd(self, record: Record, ways: dict[str, Way]) -> Iterator[str]:
        """What of a row cannot land."""
        for column in self.table.columns:
            name, value = column.name, record.get(column.name)
            if column.required and value is None:
                yield f"{ways[name].column or name} is empty"
            elif column.data_type == "timestamp" and value is not None and _moment(Cell(str(value))) is None:
                yield f"{ways[name].column or name} is no time"

    def _id(self, name: str, way: Way, record: Record, equals: Counter[str]) -> str:
        """An id made of other columns. A key has the number of its row among those that are equal in them."""
        parts = "\x1f".join("" if record[part] is None else str(record[part]) for part in way.made_of)
        if name in self.table.key:
            equals[parts] += 1
            parts += f"\x1f{equals[parts]}"
        return hashlib.sha256(parts.encode()).hexdigest()[:DIGITS]


def read_mapping(path: Path) -> Mapping:
    """Reads a mapping. KefuError names the file, and the key or column that is wrong."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise KefuError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KefuError(f"{path} is no YAML: {error}") from error
    if not isinstance(entries, dict) or not isinstance(entries.get("columns"), dict):
        raise KefuError(f"{path} is no mapping: it has the keys {', '.join(sorted(KEYS))}")
    for key in entries:
        if key not in KEYS:
            raise KefuError(f"{path} has an unknown key {key}{_meant(str(key), KEYS)}")
    table = contract().get((str(entries.get("platform")), str(entries.get("table"))))
    if table is None:
        known = sorted(table.label for table in contract().values())
        label = f"{entries.get('platform')}/{entries.get('table')}"
        raise KefuError(f"{path}: there is no table {label}{_meant(label, known)}")
    if table.event_time is None:
        raise KefuError(
            f"{path}: {table.label} has no time by which its rows could be told apart; deliver it as a file of its own"
        )
    columns = {column.name: column for column in table.columns}
    for name in entries["columns"]:
        if name not in columns:
            raise KefuError(f"{path}: {table.label} has no column {name}{_meant(str(name), columns)}")
    ways = {name: _way(path, columns[name], entry) for name, entry in entries["columns"].items()}
    for name, way in ways.items():
        for part in way.made_of:
            if part not in (*ways, "shop_id") or (part in ways and ways[part].made_of):
                raise KefuError(f"{path}: {name} is made of {part}, which the mapping does not take from the sheet")
    return Mapping(path, table, ways)


def _way(path: Path, column: Column, entry: Any) -> Way:
    if isinstance(entry, str):
        return Way(column=entry)
    if not isinstance(entry, dict) or set(entry) not in WAYS:
        forms = "a column of the sheet, or {column, values}, {column, nickname: true}, {value} or {made_of}"
        raise KefuError(f"{path}: column {column.name} is given as {entry}, and may be {forms}")
    values = entry.get("values")
    if values is not None and not isinstance(values, dict):
        raise KefuError(f"{path}: values of column {column.name} are pairs, each with what the sheet has and what it means")
    given = [*values.values()] if values else [entry["value"]] if "value" in entry else []
    for value in given:
        if column.values and str(value) not in column.values:
            raise KefuError(f"{path}: {column.name} cannot be {value}; it is one of {', '.join(column.values)}")
    made_of = entry.get("made_of", [])
    if not isinstance(made_of, list):
        raise KefuError(f"{path}: {column.name} is made of a list of columns, not of {made_of}")
    return Way(
        column=str(entry["column"]) if "column" in entry else None,
        values={plain(str(key)): str(value) for key, value in values.items()} if values is not None else None,
        nickname=bool(entry.get("nickname")),
        value=str(entry["value"]) if "value" in entry else None,
        made_of=tuple(map(str, made_of)),
    )


def _meant(found: str, known: Iterable[str]) -> str:
    meant = nearest(found, known)
    return f"; did you mean {meant}?" if meant else ""


def _text(cell: Cell, column: Column) -> str | None:
    if column.data_type == "timestamp" and (moment := _moment(cell)):
        return moment.isoformat(sep=" ", timespec="milliseconds" if moment.microsecond else "seconds")
    return cell.text or None


def _moment(cell: Cell) -> datetime | None:
    """A time in one of the forms that sheets have, or None: landing says what is wrong with another one."""
    value, text = cell.value, cell.text
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, int | float) and SERIAL_FIRST <= value <= SERIAL_LAST + 1:
        return datetime.combine(SERIAL_START, time()) + timedelta(seconds=round(value * 86_400))
    if re.fullmatch(r"\d{13}|\d{10}", text):
        return EPOCH + timedelta(milliseconds=int(text) if len(text) == 13 else int(text) * 1000) + BEIJING
    match = CLOCK.fullmatch(text)
    day = day_of(plain(match[1])) if match else None
    if match is None or day is None:
        return None
    hour, minute, second = (int(match[group] or 0) for group in (2, 3, 4))
    if hour > 23 or minute > 59 or second > 59:
        return None
    return datetime.combine(day, time(hour, minute, second, int((match[5] or "").ljust(6, "0"))))


def _day(text: str) -> date | None:
    moment = _moment(Cell(text))
    return moment.date() if moment else None
