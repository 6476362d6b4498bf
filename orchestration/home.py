"""HOME: the folder that holds everything kefu writes, and the lock that lets in one writer at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import duckdb

from orchestration.errors import KefuError
from orchestration.language import localized

PROJECT = Path(__file__).resolve().parent.parent
PRIVATE = 0o077  # the umask of whatever kefu runs: its files are the owner's alone, but for what is FOR_READERS
FOR_READERS = 0o440  # of a published version: BI tools read it in the owner's group, and nobody writes into it
FOLDER_FOR_READERS = 0o750
WRITER_PATIENCE_SECONDS = 600.0  # for which whatever writes a home waits for another that does
READER_PATIENCE_SECONDS = 15.0  # for which the warehouse is waited for where a program holds it open


@dataclass(frozen=True)
class Home:
    path: Path

    @property
    def mark(self) -> Path:
        """The file by which a folder is known as a home."""
        return self.path / ".kefu-home"

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The link that readers open."""
        return self.path / "kefu.duckdb"

    @property
    def live(self) -> Path:
        """The link that readers of the running day open."""
        return self.path / "live.duckdb"

    @property
    def live_home(self) -> Path:
        """A home below the home, of what `kefu live` works with."""
        return self.path / "live"

    @property
    def versions(self) -> Path:
        return self.path / "published"

    @property
    def dbt(self) -> Path:
        return self.path / "dbt"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def dagster(self) -> Path:
        return self.path / "dagster"

    @property
    def bi(self) -> Path:
        """What the dashboards' server keeps, and who may log in there."""
        return self.path / "bi"

    @property
    def alerts(self) -> Path:
        """What has been told, and what is still to be."""
        return self.path / "alerts.sqlite"

    @property
    def lake(self) -> Path:
        """What has landed, as Parquet files, where models run on Spark."""
        return self.path / "lake"

    @property
    def spark(self) -> Path:
        """The tables that Spark makes, and its catalog of them."""
        return self.path / "spark"

    @property
    def temporary(self) -> Path:
        return self.path / "tmp"

    @property
    def settings(self) -> dict[str, str | bool | int | float | list[str]]:
        """Of DuckDB, for whatever opens the warehouse: views on what Spark made name files from the home on, which may move."""
        return {"temp_directory": str(self.temporary), "memory_limit": "4GB", "file_search_path": str(self.path)}

    def connect(self, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        """Opens the warehouse, with Beijing time as the session's zone. KefuError where a program holds it open for too long."""
        wait = _Wait(READER_PATIENCE_SECONDS)
        while True:
            try:
                connection = duckdb.connect(
                    str(self.warehouse),
                    read_only=read_only,
                    config=self.settings,
                )
            except duckdb.IOException as error:
                reason = first_line(error)
                if "lock" not in reason or wait.is_over(f"{self.warehouse.name} is held open by another program"):
                    raise KefuError(f"{self.warehouse} cannot be opened: {reason}") from error
            else:
                connection.execute("set TimeZone = 'Asia/Shanghai'")
                return connection


class _Wait:
    """Waits in short steps, and says once for what."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.is_told = False

    def is_over(self, reason: str) -> bool:
        if time.monotonic() >= self.until:
            return True
        if not self.is_told:
            print(localized(f"waiting: {reason}"), file=sys.stderr, flush=True)
        self.is_told = True
        time.sleep(0.2)
        return False


def open_home(path: Path, *, apart_from: Path | None = None) -> Home:
    """Makes HOME with its folders. KefuError where it cannot be written, holds other things than a home, or where it and the
    landing folder `apart_from` are not apart.
    """
    home = Home(path.resolve())
    if apart_from is not None:
        landing = apart_from.resolve()
        if landing.is_relative_to(home.path) or home.path.is_relative_to(landing):
            raise KefuError(f"--home {path} and --landing {apart_from} lie within each other: name two folders that are apart")
    try:
        is_home = home.mark.exists() or home.warehouse.exists()  # which a home had before there was the mark
        if not is_home and home.path.exists() and any(home.path.iterdir()):
            raise KefuError(f"--home {path} holds other things and is no home of kefu: name a folder that is new or empty")
        for folder in (home.path, home.versions, home.dbt, home.logs, home.dagster, home.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        home.mark.touch()  # which also shows whether the folder can be written
        close_to_others(home)
    except OSError as error:
        raise KefuError(f"--home {path} is not writable: {error.strerror}") from error
    return home


def scratch(folder: Path | None) -> TemporaryDirectory[str]:
    """A folder in a home's temporary one, named after this process: who dies leaves it to the next that writes the home."""
    return TemporaryDirectory(prefix=f"{os.getpid()}-", dir=folder)


def _drop_scratch_of_the_dead(home: Home) -> None:
    for path in home.temporary.glob("*-*"):
        process = path.name.partition("-")[0]
        if process.isdigit() and not Path("/proc", process).exists():
            shutil.rmtree(path, ignore_errors=True)


def close_to_others(home: Home) -> None:
    """Sets the modes of a home's files, also of what an older kefu, Dagster or a restored backup left more open."""
    for folder, _, files in os.walk(home.path):
        is_published = Path(folder) == home.versions
        _set_mode(Path(folder), FOLDER_FOR_READERS if is_published or Path(folder) == home.path else 0o700)
        for file in files:
            is_version = is_published and file.startswith(("kefu-", "live-")) and file.endswith(".duckdb")
            _set_mode(Path(folder, file), FOR_READERS if is_version else 0o600)


def _set_mode(path: Path, mode: int) -> None:
    """Sets permissions that are others; what vanishes meanwhile, such as another process's temporary file, is no matter."""
    try:
        found = path.lstat().st_mode
        if not stat.S_ISLNK(found) and found & 0o777 != mode:
            path.chmod(found & 0o7000 | mode)
    except FileNotFoundError:
        pass


@contextmanager
def one_writer(home: Home, *, wait_seconds: float | None = None, who: str = "another build is writing to") -> Iterator[None]:
    """Holds HOME's lock, for which it waits; the system frees it when the process ends, however it ends. KefuError where another
    keeps it for longer than `wait_seconds` (else WRITER_PATIENCE_SECONDS).
    """
    wait = _Wait(WRITER_PATIENCE_SECONDS if wait_seconds is None else wait_seconds)
    with open(home.path / "writer.lock", "a+") as lock:
        while not _is_locked(lock):
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            reason = f"{who} {home.path} (process {holder})"
            if wait.is_over(reason):
                raise KefuError(f"{reason}; try again when it is done")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        _drop_scratch_of_the_dead(home)
        try:
            yield
        finally:
            lock.truncate(0)


def _is_locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Gives a path beside a file, to write to. What is written takes the file's place whole; nothing is left where that fails."""
    aside = path.with_name(f"{path.name}-{os.getpid()}.new")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def point(link: Path, target: Path) -> None:
    """Makes a link lead to what stands beside or below it, at once for whoever opens it."""
    aside = link.with_suffix(".new")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target.relative_to(link.parent))
    aside.rename(link)


def published_home(path: Path) -> Home:
    """The home at a path, of which readers have marts. KefuError where they have none."""
    home = Home(path.resolve())
    if not home.published.exists():
        raise KefuError(f"--home {path} has published nothing: build first")
    return home


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
