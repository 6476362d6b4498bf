from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from harness import FIXTURES, build


class BuiltHomes(dict[str, Path]):
    """A home per fixture, built from nothing when it is first asked for, once for all workers of a run. Not to be changed."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, fixture: str) -> Path:
        home = self.folder / fixture
        with open(self.folder / f"{fixture}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (home / "kefu.duckdb").exists():
                build(FIXTURES / fixture / "landing", home)
        self[fixture] = home
        return home


@pytest.fixture(scope="session")
def built_homes(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Path]:
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "built"  # workers have folders of their own beside each other
    folder.mkdir(exist_ok=True)
    return BuiltHomes(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps a module that shares a home on one worker, and begins with these; with the browser, which waits most of its time."""
    shares = {path: 'scope="module"' in path.read_text(encoding="utf-8") for path in {item.path for item in items}}
    for item in items:
        if shares[item.path]:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: (item.path.stem != "test_browser", not shares[item.path]))
