from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import FIXTURES, build

from orchestration.build import dbt
from orchestration.build.state import Dates, prepared
from orchestration.build.steps import building
from orchestration.home import one_writer, open_home
from orchestration.landing.tables import empty_warehouse

MEMORY_BYTES = 12 * 1024**3


def pytest_configure() -> None:
    """Puts what tests write into memory where there is enough of it: homes are synced to disk at every step."""
    memory = Path("/dev/shm")
    if "TMPDIR" not in os.environ and memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of a run have in common: theirs lie beside each other."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keeps other workers from what they would make at the same time."""
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class BuiltHomes(dict[str, Path]):
    """A home per fixture, built from nothing when it is first asked for, once for all workers of a run. Not to be changed."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, fixture: str) -> Path:
        home = self.folder / fixture
        with alone(home):
            if not (home / "kefu.duckdb").exists():
                build(FIXTURES / fixture / "landing", home)
        self[fixture] = home
        return home


@pytest.fixture(scope="session")
def built_homes(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Path]:
    folder = shared(tmp_path_factory, worker_id) / "built"
    folder.mkdir(exist_ok=True)
    return BuiltHomes(folder)


@pytest.fixture(scope="session", autouse=True)
def read_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Lets one worker read the project, which takes dbt ten seconds, and the others take what it read."""
    read = shared(tmp_path_factory, worker_id) / "project"
    read.mkdir(exist_ok=True)
    parse = dbt._parse

    def parse_once(folder: Path, project: str, *others: Any) -> Any:
        files = [f"{project}.msgpack", f"{project}.json", "partial_parse.msgpack"]
        with alone(read / "lock"):
            if all((read / file).exists() for file in files):
                for file in files:
                    shutil.copyfile(read / file, folder / file)
                return dbt._parsed_before(folder, project)
            parsed = parse(folder, project, *others)
            for file in files:
                shutil.copyfile(folder / file, read / file)
            return parsed

    dbt._parse = parse_once
    yield
    dbt._parse = parse


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A home that was built before anything had landed, once for all workers of a run. Not to be changed."""
    home = shared(tmp_path_factory, worker_id) / "empty"
    with alone(home):
        if not (home / "kefu.duckdb").exists():
            opened = open_home(home)
            with one_writer(opened):
                with prepared(opened):
                    pass
                with building(opened, Dates(), print) as arguments:
                    dbt.run_dbt(opened, arguments, print)
    return home


@pytest.fixture
def begun_home(empty_home: Path, tmp_path: Path) -> Path:
    """A home for a test to build into. Its first build takes half as long as one from nothing."""
    return shutil.copytree(empty_home, tmp_path / "home", symlinks=True)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, as deliveries find it."""
    with empty_warehouse() as connection:
        yield connection


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the browser, which waits most of its time, then with the files that build most: a file is one worker's."""
    builds = {
        path: len(re.findall(r"\b(?:build|build_of|run)\(", path.read_text("utf-8"))) for path in {item.path for item in items}
    }
    items.sort(key=lambda item: (item.path.stem != "test_browser", -builds[item.path], item.path))
