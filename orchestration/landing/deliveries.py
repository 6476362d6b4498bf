"""What lies in the landing folder: one delivery per platform, table and dt."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path

from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.landing.contract import Table, other_names

FORMATS = {".csv": "csv", ".csv.gz": "csv", ".jsonl": "jsonl", ".jsonl.gz": "jsonl", ".parquet": "parquet"}
LAYOUT = "<platform>/<table>/dt=YYYY-MM-DD/"
FIRST_RELEASE = date(2026, 11, 22)  # of kefu: a clock that says an earlier day is wrong, and no reason to refuse a delivery


@dataclass(frozen=True)
class File:
    path: Path
    name: str  # relative to the landing folder
    dt: date
    file_format: str


@dataclass(frozen=True)
class Delivery:
    table: Table
    dt: date
    files: tuple[File, ...]  # by name: of one key, the row of the later file stands

    @property
    def key(self) -> tuple[str, str, date]:
        return self.table.platform, self.table.name, self.dt

    @property
    def signature(self) -> str:
        """The names, sizes and times of the files: another one means that the delivery is to be landed again."""
        return "|".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in self._stats())

    @property
    def stamp(self) -> tuple[tuple[str, int, int, int, int], ...]:
        """The signature with what a program that writes a file cannot set back, so that it stays only where nobody wrote."""
        return tuple((name, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for name, s in self._stats())

    def _stats(self) -> list[tuple[str, os.stat_result]]:
        try:
            return [(file.path.name, file.path.stat()) for file in self.files]
        except OSError as error:
            raise _unreadable(error) from error


@dataclass(frozen=True)
class Inventory:
    deliveries: tuple[Delivery, ...]
    too_new: tuple[Delivery, ...]  # of a date to come, which are not to land
    ignored: tuple[str, ...]  # paths that the contract does not know
    warnings: tuple[str, ...]  # what to tell of both


def find_deliveries(landing: Path, tables: dict[tuple[str, str], Table]) -> Inventory:
    """All deliveries in landing/<platform>/<table>/dt=YYYY-MM-DD/."""
    if not landing.is_dir():
        raise KefuError(f"--landing {landing} is not a folder")
    try:
        found = _Search(landing.absolute(), tables)
    except OSError as error:
        raise _unreadable(error) from error
    if not found.deliveries and (meant := _meant(landing.absolute(), {platform for platform, _ in tables})):
        raise KefuError(f"--landing {landing} is not the landing folder itself: did you mean {meant}?")
    tomorrow = max(beijing_now().date(), FIRST_RELEASE) + timedelta(days=1)
    too_new = [delivery for delivery in found.deliveries if delivery.dt > tomorrow]
    late = [
        f"{delivery.table.label}/dt={delivery.dt} is later than tomorrow, {tomorrow}: it does not land" for delivery in too_new
    ]
    return Inventory(
        deliveries=tuple(delivery for delivery in found.deliveries if delivery.dt <= tomorrow),
        too_new=tuple(too_new),
        ignored=tuple(sorted(found.ignored)),
        warnings=(*late, *(f"{path} is left out: {why}" for path, why in sorted(found.ignored.items()))),
    )


class _Search:
    """Walks a landing folder."""

    def __init__(self, landing: Path, tables: dict[tuple[str, str], Table]) -> None:
        self.landing = landing
        self.tables = tables
        self.deliveries: list[Delivery] = []
        self.ignored: dict[str, str] = {}  # paths, each with the reason
        for platform in self._folders(landing, f"files lie in {LAYOUT}"):
            names = [table for of_platform, table in tables if of_platform == platform.name]
            if not names:
                self._ignore(platform, _did_you_mean("no platform", platform.name, {of for of, _ in tables}, other_names()))
                continue
            for folder in self._folders(platform, f"files lie in {LAYOUT}"):
                if folder.name in names:
                    self._search_table(folder, tables[platform.name, folder.name])
                else:
                    self._ignore(folder, _did_you_mean(f"no table of {platform.name}", folder.name, names))

    def _search_table(self, folder: os.DirEntry[str], table: Table) -> None:
        for day in self._folders(folder, "it lies in no folder dt=YYYY-MM-DD"):
            dt, files, entries = self._dt(day), [], _visible(day)
            for entry in entries:
                path, name = Path(entry.path), self._name(entry)
                ending = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
                if not entry.is_file():
                    self._ignore(entry, "a folder within a delivery")
                elif ending not in FORMATS:
                    self._ignore(entry, _did_you_mean("not " + ", ".join(FORMATS), ending, FORMATS))
                elif name != _shown(name):
                    self._ignore(entry, "its name is not UTF-8")
                else:
                    files.append(File(path, name, dt, FORMATS[ending]))
            if files:
                self.deliveries.append(Delivery(table, dt, tuple(files)))
            elif not entries:
                self._ignore(day, "no file lies in it; a day without rows is a file without rows")

    def _folders(self, parent: Path | os.DirEntry[str], why_no_file: str) -> list[os.DirEntry[str]]:
        children = _visible(parent)
        for child in children:
            if not child.is_dir():
                self._ignore(child, why_no_file)
        return [child for child in children if child.is_dir()]

    def _dt(self, day: os.DirEntry[str]) -> date:
        match = re.fullmatch(r"dt=(\d{4}-\d{2}-\d{2})", day.name)
        try:
            return date.fromisoformat(match[1]) if match else date.fromisoformat("")
        except ValueError:
            raise KefuError(f"{self._name(day)}: a delivery's folder is named dt=YYYY-MM-DD") from None

    def _name(self, entry: os.DirEntry[str]) -> str:
        """The path relative to the landing folder."""
        return entry.path[len(str(self.landing)) + 1 :]

    def _ignore(self, entry: os.DirEntry[str], why: str) -> None:
        self.ignored[_shown(self._name(entry))] = why


def _did_you_mean(what: str, found: str, known: Iterable[str], other_names: dict[str, str] | None = None) -> str:
    meant = nearest(found, known) or (other_names or {}).get(found.lower())
    return f"{what}; did you mean {meant}?" if meant else what


def nearest(found: str, known: Iterable[str]) -> str | None:
    """The known name that this one is a slip of, if any."""
    return next(iter(get_close_matches(found.strip().lower(), list(known), n=1, cutoff=0.75)), None)


def _meant(landing: Path, platforms: Collection[str]) -> Path | None:
    """The landing folder itself where one above it or below it was given."""
    for folder in (landing.parent, landing.parent.parent, landing.parent.parent.parent):
        inside = landing.relative_to(folder).parts
        if inside and inside[0] in platforms:
            return folder
    return next((child for child in sorted(landing.iterdir()) if any((child / name).is_dir() for name in platforms)), None)


def _visible(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    """What lies in a folder, by name, but for what is hidden. Of thousands scandir knows the kind already."""
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not entry.name.startswith((".", "_"))), key=lambda entry: entry.name)


def _shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode()  # a name need not be UTF-8; a table's text has to be


def _unreadable(error: OSError) -> KefuError:
    return KefuError(f"{error.filename} cannot be read: {error.strerror}")
