"""The hand-written script of `make bench` gives kefu's rows, and the comparison notices one that differs."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from benchmarks.part import queries
from benchmarks.run import too_much
from benchmarks.side_by_side import TABLES, check_equal, ways
from benchmarks.steps import deliver, dts_of
from harness import build, kefu

pytestmark = pytest.mark.readers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what kefu and the script made of the same few days; Taobao's sample alone, in which rows come again."""
    folder = tmp_path_factory.mktemp("benchmarks")
    sizes = {"--days": 12, "--shops": 6, "--agents": 3, "--messages-per-day": 900}
    generated = kefu("generate", "--landing", folder / "sample", *(word for size in sizes.items() for word in size))
    assert generated.code == 0, generated.err
    deliver(folder / "sample", folder / "landing", dts_of(folder / "sample"), "taobao")
    build(folder / "landing", folder / "home", "--select", ",".join(TABLES))
    _, script = ways(folder / "landing", None)
    subprocess.run(list(map(str, script.command(folder / script.target))), check=True)
    return folder


def test_the_script_gives_the_rows_of_kefu(folder: Path) -> None:
    rounds, day_rows = check_equal(*ways(folder / "landing", None), folder)
    assert rounds > 1000 and day_rows > 500


@pytest.mark.parametrize(
    "change",
    [
        "update taobao_rounds set is_on_time = not is_on_time where round_id = (select min(round_id) from taobao_rounds)",
        "insert into service_metrics from service_metrics limit 1",
        "delete from service_metrics where metric = 'satisfaction_rate'",
    ],
)
def test_a_row_that_differs_is_noticed(folder: Path, change: str) -> None:
    expected, script = ways(folder / "landing", None)
    changed = replace(script, target="changed.duckdb")
    shutil.copyfile(folder / script.target, folder / changed.target)
    with duckdb.connect(str(folder / changed.target)) as connection:
        connection.execute(change)
    with pytest.raises(SystemExit, match="are missing"):
        check_equal(expected, changed, folder)


def test_the_queries_of_analysts_run_on_the_marts(built_homes: dict[str, Path]) -> None:
    assert len(queries()) == 20
    with duckdb.connect(str(built_homes["case101"] / "kefu.duckdb"), read_only=True) as connection:
        connection.execute("use marts")
        answers = [connection.execute(sql).fetchall() for sql in queries().values()]
    assert sum(map(bool, answers)) >= 10


def test_a_size_that_disk_or_patience_cannot_hold_is_told(tmp_path: Path) -> None:
    def told(size: int, patience: float) -> str | None:
        return too_much(size, tmp_path, tmp_path / str(size), patience)

    assert "GB of disk" in (told(10**6, patience=1) or "")
    assert told(1, patience=1) is None, "nobody knows yet what it takes"
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "results.json").write_text('{"size": 1, "seconds": 240}', encoding="utf-8")
    assert told(2, patience=8) is None
    assert "about 8 minutes" in (told(2, patience=7) or "")
