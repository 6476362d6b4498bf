"""A home in one file, and a home from it. What can be built again from the landing folder is in it too, so restoring is quick."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from orchestration.errors import KefuError
from orchestration.home import Home, first_line, one_writer, open_home, written_aside

PUBLISHED, VERSION = "kefu.duckdb", r"published/kefu-\d{6,}\.duckdb"  # the one link of a home, and what it leads to
LEFT_OUT = {"tmp", "dbt", "logs", "writer.lock", "live"}  # made anew by the next build, or by `kefu live`
OF_LIVE = re.compile(r"published/live-\d{6,}\.duckdb")
RUN_LOGS = (Path("dagster/storage"), Path("dagster/history/runs"))  # of every run; the index of them all is kept
INDEX = "index.db"
SQLITE = {".db", ".sqlite"}  # Dagster's storage and the alerts, which may be written to meanwhile
PATIENCE_SECONDS = 3600.0  # for which a backup waits for a build


def back_up(home_path: Path, target: Path) -> int:
    """Writes the home to a .tar.gz once no build runs; nothing half is left where it fails. Returns how many files it holds."""
    home = open_home(home_path)
    if target.resolve().is_relative_to(home.path):
        raise KefuError(f"--to {target} lies in the home: the next backup would hold this one")
    with (
        written_aside(target) as aside,
        one_writer(home, wait_seconds=PATIENCE_SECONDS),
        tempfile.TemporaryDirectory() as copies,
        tarfile.open(aside, "w:gz", compresslevel=1) as archive,
    ):
        for path in _files(home):
            source = _sqlite_copy(path, Path(copies)) if path.suffix in SQLITE else path
            archive.add(source, arcname=str(path.relative_to(home.path)), recursive=False)
        count = len(archive.getnames())
    return count


def restore(source: Path, home_path: Path) -> int:
    """Makes a home of a backup: aside, read through, then in place as a whole. Returns how many files it holds.

    KefuError where it is no backup, or where the home holds anything.
    """
    if home_path.exists() and any(home_path.iterdir()):
        raise KefuError(f"--home {home_path} is not empty: a backup is restored to a new folder")
    aside = home_path.absolute().with_name(f".{home_path.name}.restore")
    shutil.rmtree(aside, ignore_errors=True)  # of a restore that was killed
    try:
        aside.mkdir(parents=True)
        with tarfile.open(source, "r:gz") as archive:
            members = archive.getmembers()
            _check_members(members, source)
            archive.extractall(aside, members, filter="data")
        _check_opens(aside, source)
        open_home(aside)
        aside.replace(home_path)  # an empty folder may be there
    except (tarfile.TarError, EOFError) as error:
        raise KefuError(f"--from {source} cannot be read: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return len(members)


def _check_members(members: Sequence[tarfile.TarInfo], source: Path) -> None:
    """Lets pass files within the home and the link to its published version, which is all that `back_up` writes."""
    for member in members:
        is_link = member.issym() and member.name == PUBLISHED and re.fullmatch(VERSION, member.linkname)
        is_within = not member.name.startswith("/") and ".." not in Path(member.name).parts
        if not is_link and not (member.isreg() and is_within):
            raise KefuError(f"--from {source} is no backup of a home: {member.name} in it is no file of one")
    if "warehouse.duckdb" not in {member.name for member in members}:
        raise KefuError(f"--from {source} is no backup of a home: it holds no warehouse.duckdb")


def _check_opens(folder: Path, source: Path) -> None:
    """Opens both databases, so that what is restored is known to be whole."""
    for file in ("warehouse.duckdb", PUBLISHED):
        if os.path.lexists(folder / file):
            try:
                duckdb.connect(str(folder / file), read_only=True).close()
            except duckdb.Error as error:
                raise KefuError(f"--from {source} is no whole backup: {file} cannot be opened: {first_line(error)}") from error


def _files(home: Home) -> Iterator[Path]:
    """Files and links worth keeping, in order. What SQLite keeps beside its files is in their copies."""
    for path in sorted(home.path.rglob("*")):
        relative = path.relative_to(home.path)
        is_beside_sqlite = path.name.endswith(("-wal", "-shm", "-journal"))
        is_run_log = path.name != INDEX and any(relative.is_relative_to(folder) for folder in RUN_LOGS)
        is_live = OF_LIVE.fullmatch(str(relative)) is not None
        is_left_out = relative.parts[0] in LEFT_OUT or is_live or is_beside_sqlite or is_run_log
        if not is_left_out and (path == home.published or (path.is_file() and not path.is_symlink())):
            yield path


def _sqlite_copy(path: Path, folder: Path) -> Path:
    """Copies a database as of one moment, whoever writes to it."""
    copy = folder / "copy"
    copy.unlink(missing_ok=True)
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    return copy
