"""What lies in the landing folder: one delivery per platform, table and dt."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.errors import KefuError
from orchestration.landing.contract import Table

FORMATS = {".csv": "csv", ".csv.gz": "csv", ".jsonl": "jsonl", ".jsonl.gz": "jsonl", ".parquet": "parquet"}


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
    ignored: tuple[str, ...]  # paths that the contract does not know


def find_deliveries(landing: Path, tables: dict[tuple[str, str], Table]) -> Inventory:
    """All deliveries in landing/<platform>/<table>/dt=YYYY-MM-DD/."""
    if not landing.is_dir():
        raise KefuError(f"--landing {landing} is not a folder")
    try:
        return _find_deliveries(landing.absolute(), tables)
    except OSError as error:
        raise _unreadable(error) from error


def _find_deliveries(landing: Path, tables: dict[tuple[str, str], Table]) -> Inventory:
    deliveries: list[Delivery] = []
    ignored: list[str] = []
    for folder in _folders(platform for platform in _folders([landing])):
        table = tables.get((folder.parent.name, folder.name))
        if table is None:
            ignored.append(str(folder.relative_to(landing)))
            continue
        for day in sorted(_folders([folder])):
            dt = _dt(day, landing)
            files, others = _files(day, landing, dt)
            ignored.extend(others)
            if files:
                deliveries.append(Delivery(table, dt, files))
    return Inventory(tuple(deliveries), tuple(sorted(ignored)))


def _folders(parents: Iterable[Path]) -> list[Path]:
    return [child for parent in parents for child in sorted(parent.iterdir()) if child.is_dir() and not _hidden(child)]


def _hidden(path: Path) -> bool:
    return path.name.startswith((".", "_"))


def _dt(day: Path, landing: Path) -> date:
    match = re.fullmatch(r"dt=(\d{4}-\d{2}-\d{2})", day.name)
    try:
        return date.fromisoformat(match[1]) if match else date.fromisoformat("")
    except ValueError:
        raise KefuError(f"{day.relative_to(landing)}: a delivery's folder is named dt=YYYY-MM-DD") from None


def _files(day: Path, landing: Path, dt: date) -> tuple[tuple[File, ...], list[str]]:
    files, others = [], []
    for path in sorted(day.iterdir()):
        name = str(path.relative_to(landing))
        shown = name.encode("utf-8", "replace").decode()  # a name need not be UTF-8; a table's text has to be
        ending = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
        if _hidden(path):
            continue
        if ending in FORMATS and path.is_file() and name == shown:
            files.append(File(path, name, dt, FORMATS[ending]))
        else:
            others.append(shown)
    return tuple(files), others


def _unreadable(error: OSError) -> KefuError:
    return KefuError(f"{error.filename} cannot be read: {error.strerror}")
