"""`kefu compact`: a home's files are small again, everything in them is as before, and builds go on."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from faults.common import KEFU, check_clean, deliver, steps
from harness import FIXTURES, build, copied, kefu, marts, other_process

from orchestration import compact as compacting
from orchestration.build.state import opened
from orchestration.compact import compact_grown
from orchestration.home import PROJECT, Home, one_writer, open_home
from orchestration.runs.instance import instance_of
from orchestration.runs.upkeep import compaction

LANDING = FIXTURES / "case101" / "landing"
OF_BUILD = {"written_whole", "published_version"}  # which tell of the compaction itself
DIE_BEFORE = """
import os
from orchestration import compact
from orchestration.cli import main
{point} = lambda *_: os._exit(9)
raise SystemExit(main())
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A landing folder that lacks its last part, and the home that was built from it in two steps."""
    folder = tmp_path_factory.mktemp("grown")
    landing, home = folder / "landing", folder / "home"
    for dts in steps(3)[:2]:
        deliver(landing, dts)
        build(landing, home)
    return landing, home


@pytest.fixture
def copies(grown: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Of both, for a test to change."""
    return copied(grown, tmp_path)


def contents(file: Path) -> dict[str, Any]:
    """Every table with its rows in their order, every view, and what is said of them."""
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name, comment, sql from duckdb_tables() where table_name not in (select unnest($1))",
            [[*OF_BUILD]],
        ).fetchall()
        found: dict[str, Any] = {
            f"{schema}.{table}": (told, connection.execute(f'from "{schema}"."{table}"').fetchall())
            for schema, table, *told in tables
        }
        views = "select schema_name, view_name, comment from duckdb_views() where not internal order by all"
        columns = """
            select schema_name, table_name, column_name, comment, data_type, is_nullable from duckdb_columns()
            where not internal order by all
        """
        return found | {"views": connection.execute(views).fetchall(), "columns": connection.execute(columns).fetchall()}


def databases(home: Path) -> list[dict[str, Any]]:
    return [contents(home / file) for file in ("warehouse.duckdb", "kefu.duckdb")]


def test_everything_is_as_before_and_smaller_and_builds_go_on(copies: tuple[Path, Path], tmp_path: Path) -> None:
    landing, home = copies
    files = [home / "warehouse.duckdb", (home / "kefu.duckdb").resolve()]
    before, sizes, modes = databases(home), [file.stat().st_size for file in files], [file.stat().st_mode for file in files]
    assert len(list((home / "published").iterdir())) == 2
    outcome = kefu("compact", "--home", home)
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split(":")[0] for line in outcome.out.splitlines()] == [
        "removed published/kefu-000001.duckdb, published before",
        "compacted published/kefu-000002.duckdb",
        "compacted warehouse.duckdb",
    ]
    assert databases(home) == before
    assert files[0].stat().st_size < sizes[0], "the room that the build took is gone"
    assert files[1] == (home / "kefu.duckdb").resolve(), "nothing new is published"
    assert [file.stat().st_mode for file in files] == modes
    assert list((home / "published").iterdir()) == [files[1]]
    check_clean(home)
    with opened(Home(home)) as state:
        version = state.published_version()
    assert version and (version.number, version.is_copy, version.replaced_rows) == (2, False, 0)
    assert "nothing to do" in build(landing, home).out
    deliver(landing, steps(3)[2])
    build(landing, home)
    build(landing, tmp_path / "fresh")
    assert marts(home) == marts(tmp_path / "fresh")


@pytest.mark.parametrize(
    "point", ["compact._check_same", "compact.Path.replace", "compact.write_warehouse_anew", "compact.Path.chmod"]
)
def test_killed_at_any_step_the_home_is_whole(copies: tuple[Path, Path], point: str) -> None:
    _, home = copies
    before = databases(home)
    killed = subprocess.run(
        [sys.executable, "-c", DIE_BEFORE.format(point=point), "compact", "--home", str(home)],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert killed.returncode == 9, killed.stderr
    assert databases(home) == before
    assert kefu("compact", "--home", home).code == 0
    assert databases(home) == before
    check_clean(home)


def test_killed_at_any_moment_the_home_is_whole(copies: tuple[Path, Path]) -> None:
    _, home = copies
    before = databases(home)
    for moment in (0.0, 0.1, 0.3, 0.6):
        process = subprocess.Popen(
            [sys.executable, "-c", KEFU, "compact", "--home", str(home)], cwd=PROJECT, stdout=subprocess.PIPE
        )
        while not list((home / "tmp").glob("*-*")) and process.poll() is None:  # from its first copy on
            time.sleep(0.005)
        time.sleep(moment)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert databases(home) == before
    assert kefu("compact", "--home", home).code == 0
    check_clean(home)


def test_what_is_no_home_or_written_to_is_left_as_it_is(copies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _, home = copies
    outcome = kefu("compact", "--home", home / "slip")
    assert outcome.code == 1 and outcome.err == f"kefu: --home {home / 'slip'} holds no warehouse: there is nothing to compact\n"
    assert not (home / "slip").exists()
    monkeypatch.setattr("orchestration.home.WRITER_PATIENCE_SECONDS", 0.0)
    holding = "import sys; from orchestration.home import *; o = one_writer(Home(Path(sys.argv[1]))); o.__enter__()"
    with other_process(holding, home) as process:
        outcome = kefu("compact", "--home", home)
        assert outcome.code == 1
        assert outcome.err == f"kefu: another build is writing to {home} (process {process}); try again when it is done\n"


def test_a_copy_that_lacks_anything_takes_no_place(copies: tuple[Path, Path]) -> None:
    _, home = copies
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse; attach ':memory:' as compacted")
        for database, rows in (("warehouse", 3), ("compacted", 2)):
            connection.execute(f"create table {database}.t as select unnest(range({rows})) as a")
        with pytest.raises(compacting.KefuError, match=r'its copy has 2 of 3 rows of "main"\."t"'):
            compacting._check_same(connection, home)
        connection.execute("alter table warehouse.t alter a set not null")
        with pytest.raises(compacting.KefuError, match=r"its copy differs in column main\.t"):
            compacting._check_same(connection, home)
        connection.execute("create or replace table compacted.t (a bigint not null); create view warehouse.v as select 1")
        with pytest.raises(compacting.KefuError, match="its copy"):
            compacting._check_same(connection, home)


def test_the_upkeep_writes_anew_what_has_grown_and_nothing_else(copies: tuple[Path, Path]) -> None:
    _, path = copies
    home = open_home(path)
    schedule = compaction(home)
    with instance_of(home) as instance:
        assert schedule.job.execute_in_process(instance=instance).success  # type: ignore[attr-defined]
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    told: list[str] = []
    with one_writer(home):
        compact_grown(home, told.append)
    assert told == [], "nothing has grown since"
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create table more as select i, random() as r from range(3_000_000) t(i)")
    with one_writer(home):
        compact_grown(home, told.append)
    assert [line.split(":")[0] for line in told] == ["compacted warehouse.duckdb"]


def test_a_file_of_dagster_that_is_mostly_free_is_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute(
            "create table t as with recursive n(i) as (select 1 union all select i + 1 from n limit 50000) select * from n"
        )
        connection.commit()
    assert not compacting._vacuumed(file)
    size = file.stat().st_size
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("delete from t where i > 100")
        connection.commit()
    assert compacting._vacuumed(file)
    assert file.stat().st_size < size / 2
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (100,)
