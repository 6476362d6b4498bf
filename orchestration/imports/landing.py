"""Rows to landing files. Whatever has the same key comes into the same dt, where the last import stands."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestration.errors import KefuError
from orchestration.landing.contract import Table, contract, settings
from orchestration.landing.deliveries import find_deliveries
from orchestration.landing.load import land
from orchestration.landing.tables import empty_warehouse

NAME = re.compile(r"import-(\d{6})-([0-9a-f]{12})\.csv")
LOCK = ".kefu-import.lock"

Records = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Written:
    """What a landing folder got."""

    paths: tuple[Path, ...]
    told: tuple[str, ...]


@dataclass(frozen=True)
class _New:
    folder: Path  # within the landing folder
    table: Table
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:12]


def write(landing: Path, platform: str, tables: Mapping[str, Mapping[date, Records]]) -> Written:
    """Writes rows, by table and the last day they are of, unless the same have been imported before.

    First all of it is written aside and landed on trial, then each file is renamed into its place.
    """
    landing.mkdir(parents=True, exist_ok=True)
    wanted = [
        _New(
            Path(platform, table, f"dt={day + timedelta(days=1)}"),
            contract()[platform, table],
            _csv(contract()[platform, table], rows),
        )
        for table, by_day in tables.items()
        for day, rows in sorted(by_day.items())
    ]
    with _alone(landing), TemporaryDirectory(prefix=".kefu-import-", dir=landing) as aside:
        told: list[str] = []
        placed: list[tuple[Path, Path]] = []
        for new in wanted:
            before = _imports(landing / new.folder)
            same = next((path for path in before if NAME.fullmatch(path.name)[2] == new.digest), None)  # type: ignore[index]
            if same:
                told += _outdated(new, same, before)
                continue
            last = int(NAME.fullmatch(before[-1].name)[1]) if before else 0  # type: ignore[index]
            name = new.folder / f"import-{last + 1:06}-{new.digest}.csv"
            path = Path(aside) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as stream:
                stream.write(new.content)
                stream.flush()
                os.fsync(stream.fileno())
            placed.append((path, landing / name))
        told += _landed_on_trial(Path(aside)) if placed else []
        for path, place in placed:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
    return Written(tuple(place for _, place in placed), tuple(told))


@contextmanager
def _alone(landing: Path) -> Iterator[None]:
    """Keeps other imports into the same folder waiting: each numbers its files after those that are there."""
    with open(landing / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _imports(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name)) if folder.is_dir() else []


def _outdated(new: _New, same: Path, imports: Sequence[Path]) -> list[str]:
    """Tells where what is imported again was replaced since: by name, the later file stands."""
    own = _rows_by_key(new.table, new.content)
    for later in imports[imports.index(same) + 1 :]:
        others = _rows_by_key(new.table, later.read_bytes())
        changed = [key for key in own.keys() & others.keys() if own[key] != others[key]]
        if changed:
            before = f"{new.folder / same.name} was imported before"
            return [f"{before}; {later.name}, which came later, stands with {len(changed)} other rows: remove it to go back"]
    return []


def _rows_by_key(table: Table, content: bytes) -> dict[tuple[str, ...], dict[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return {tuple(row[column] for column in table.key): row for row in rows}


def _csv(table: Table, rows: Records) -> bytes:
    text = io.StringIO(newline="")
    columns = [column.name for column in table.columns if any(column.name in row for row in rows)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    lines = (["" if row.get(column) is None else str(row[column]) for column in columns] for row in rows)
    writer.writerows(sorted(lines))  # the same rows in another order are the same file
    return text.getvalue().encode()


def _landed_on_trial(folder: Path) -> list[str]:
    """Lands files as a build would, into nothing. KefuError where that refuses them; else the lines that tell of odd rows."""
    lines: list[str] = []
    inventory = find_deliveries(folder, contract())
    with empty_warehouse() as connection:
        landed = land(connection, inventory.deliveries, record_changes=False, report=lines.append)
    for each in landed:
        delivered = each.rows + each.rejected
        many = each.rejected >= settings()["held_min_rows"] and each.rejected > settings()["held_rejected_min_share"] * delivered
        if each.rejected and (many or each.rejected == delivered or each.table.name.startswith("official_")):
            raise KefuError(f"{each.rejected:,} of {delivered:,} rows would be rejected: {'; '.join(lines[1:]) or lines[0]}")
    odd = any(each.rejected for each in landed)
    return [*inventory.warnings, *(lines if odd else [])]


def by_last_day(rows: Records, column: str) -> dict[date, list[Mapping[str, object]]]:
    """Rows by the day in a column of theirs."""
    days: dict[date, list[Mapping[str, object]]] = defaultdict(list)
    for row in rows:
        day = row[column]
        assert isinstance(day, date)
        days[day].append({name: value for name, value in row.items() if not name.startswith("_")})
    return days
