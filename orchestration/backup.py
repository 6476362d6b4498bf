"""A home in one file, and a home from it. What can be built again from the landing folder is in it too, so restoring is quick."""

from __future__ import annotations

import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestration.errors import KefuError
from orchestration.home import Home, one_writer, open_home

LEFT_OUT = {"tmp", "dbt", "logs", "writer.lock"}  # made anew by the next build
RUN_LOGS = (Path("dagster/storage"), Path("dagster/history/runs"))  # of every run; the index of them all is kept
INDEX = "index.db"
SQLITE = {".db", ".sqlite"}  # Dagster's storage and the alerts, which may be written to meanwhile
PATIENCE_SECONDS = 3600.0  # for which a backup waits for a build


def back_up(home_path: Path, target: Path) -> int:
    """Writes the home to a .tar.gz once no build runs; nothing half is left where it fails. Returns how many files it holds."""
    home = open_home(home_path)
    aside = target.with_name(target.name + ".new")
    try:
        with (
            one_writer(home, wait_seconds=PATIENCE_SECONDS),
            tempfile.TemporaryDirectory() as copies,
            tarfile.open(aside, "w:gz", compresslevel=1) as archive,
        ):
            for path in _files(home):
                source = _sqlite_copy(path, Path(copies)) if path.suffix in SQLITE else path
                archive.add(source, arcname=str(path.relative_to(home.path)), recursive=False)
            count = len(archive.getnames())
        aside.rename(target)
    finally:
        aside.unlink(missing_ok=True)
    return count


def restore(source: Path, home_path: Path) -> int:
    """Fills a new home from a backup. KefuError where it is none, or where the home holds anything. Returns how many files."""
    if home_path.exists() and any(home_path.iterdir()):
        raise KefuError(f"--home {home_path} is not empty: a backup is restored to a new folder")
    try:
        with tarfile.open(source, "r:gz") as archive:
            names = archive.getnames()
            if "warehouse.duckdb" not in names or any(name.startswith("/") or ".." in Path(name).parts for name in names):
                raise KefuError(f"--from {source} is no backup of a home")
            home_path.mkdir(parents=True, exist_ok=True)
            archive.extractall(home_path)
    except (tarfile.TarError, EOFError) as error:
        raise KefuError(f"--from {source} cannot be read: {error}") from error
    open_home(home_path)
    return len(names)


def _files(home: Home) -> Iterator[Path]:
    """Files and links worth keeping, in order. What SQLite keeps beside its files is in their copies."""
    for path in sorted(home.path.rglob("*")):
        relative = path.relative_to(home.path)
        is_beside_sqlite = path.name.endswith(("-wal", "-shm", "-journal"))
        is_run_log = path.name != INDEX and any(relative.is_relative_to(folder) for folder in RUN_LOGS)
        is_left_out = relative.parts[0] in LEFT_OUT or is_beside_sqlite or is_run_log
        if not is_left_out and (path.is_symlink() or path.is_file()):
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
