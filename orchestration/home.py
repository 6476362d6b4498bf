"""HOME: the folder that holds everything kefu writes, and the lock that lets in one writer at a time."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import duckdb

from orchestration.errors import KefuError

PROJECT = Path(__file__).resolve().parent.parent
PRIVATE = 0o077  # the umask of whatever kefu runs: its files are the owner's alone, but for what is FOR_READERS
FOR_READERS = 0o640  # of a published version: BI tools read it in the owner's group
FOLDER_FOR_READERS = 0o750


@dataclass(frozen=True)
class Home:
    path: Path

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The link that readers open."""
        return self.path / "kefu.duckdb"

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
    def alerts(self) -> Path:
        """What has been told, and what is still to be."""
        return self.path / "alerts.sqlite"

    @property
    def temporary(self) -> Path:
        return self.path / "tmp"

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Opens the warehouse for writing, with Beijing time as the session's zone."""
        try:
            connection = duckdb.connect(
                str(self.warehouse),
                config={"temp_directory": str(self.temporary), "memory_limit": "4GB"},
            )
            connection.execute("set TimeZone = 'Asia/Shanghai'")
        except duckdb.IOException as error:
            raise KefuError(f"{self.warehouse} cannot be opened: {first_line(error)}") from error
        return connection


def open_home(path: Path) -> Home:
    """Makes HOME with its folders; KefuError where it cannot be written."""
    home = Home(path.resolve())
    try:
        for folder in (home.path, home.versions, home.dbt, home.logs, home.dagster, home.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        close_to_others(home)
        probe = home.path / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise KefuError(f"--home {path} is not writable: {error.strerror}") from error
    return home


def close_to_others(home: Home) -> None:
    """Sets the modes of a home's files, also of what an older kefu, Dagster or a restored backup left more open."""
    for folder, _, files in os.walk(home.path):
        is_published = Path(folder) == home.versions
        _set_mode(Path(folder), FOLDER_FOR_READERS if is_published or Path(folder) == home.path else 0o700)
        for file in files:
            is_version = is_published and file.startswith("kefu-") and file.endswith(".duckdb")
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
def one_writer(home: Home, *, wait_seconds: float = 0) -> Iterator[None]:
    """Holds HOME's lock; the system frees it when the process ends, however it ends. KefuError where another keeps it."""
    until = time.monotonic() + wait_seconds
    with open(home.path / "writer.lock", "a+") as lock:
        while not _is_locked(lock):
            if time.monotonic() >= until:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise KefuError(f"another build is writing to {home.path} (process {holder}); try again when it is done")
            time.sleep(0.2)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
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


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
