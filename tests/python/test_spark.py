"""Models on a cluster of two workers, which `make test-spark` starts around this: every table is what DuckDB makes of it."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import FIXTURES, Outcome, build, marts, query

from orchestration.build.checks import LastRun
from orchestration.home import PROJECT, Home
from orchestration.spark.engine import ENGINE, MASTER, SPARK

pytestmark = pytest.mark.spark
PYTHON = PROJECT / ".venv-spark" / "bin" / "python"
ALL = sorted(path.name for path in FIXTURES.iterdir())
CASES = ALL if os.environ.get("CASES") == "all" else ["case101"]
# One process for all commands: Spark takes long to start, and longer to get warm.
COMMANDS = """
import json, shutil, sys
from orchestration.cli import main
for command, *arguments in json.loads(sys.argv[1]):
    if code := shutil.move(*arguments) and 0 if command == "move" else main([command, *arguments]):
        sys.exit(code)
"""
# What one engine or one build has for itself: hashes, moments, what the last build wrote down for the next one.
OWN_COLUMNS = {"digest", "published_at", "landed_at"}
OF_THE_LAST_BUILD = {
    "int_new_revisions",
    "int_changed_metric_days",
    "int_metric_revisions",
    "int_revised_dates",
    "metric_revisions",
}


@pytest.fixture(scope="session")
def master() -> str:
    assert os.environ.get(MASTER, "").startswith("spark://"), f"run it by `make test-spark`, which sets {MASTER}"
    return os.environ[MASTER]


@pytest.fixture(autouse=True)
def models_run_on_duckdb_in_this_process(master: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ENGINE, MASTER):
        monkeypatch.delenv(name)


def on_spark(master: str, *commands: tuple[object, ...]) -> Outcome:
    """Runs commands of kefu in one process whose models run on the cluster. Ends where one fails."""
    run = subprocess.run(
        [str(PYTHON), "-c", COMMANDS, json.dumps([[str(each) for each in command] for command in commands])],
        cwd=PROJECT,
        env=os.environ | {ENGINE: SPARK, MASTER: master},
        capture_output=True,
        text=True,
    )
    return Outcome(run.returncode, run.stdout, run.stderr)


def tables(home: Path, schemas: tuple[str, ...]) -> dict[str, list[tuple[Any, ...]]]:
    """Every table and view of these schemas of a warehouse, its rows sorted."""
    found = {}
    with Home(home.resolve()).connect(read_only=True) as connection:
        listed = connection.execute(
            "select table_schema, table_name, list(column_name order by column_name) from information_schema.columns "
            "where table_catalog = current_database() and list_contains($1::varchar[], table_schema) group by all",
            [list(schemas)],
        ).fetchall()
        for schema, table, columns in listed:
            if table not in OF_THE_LAST_BUILD:
                shared = ", ".join(column for column in columns if column not in OWN_COLUMNS)
                rows = connection.execute(f"select {shared} from {schema}.{table} order by all").fetchall()
                found[f"{schema}.{table} ({shared})"] = rows
    return found


def assert_equal(spark: Path, duckdb: Path) -> None:
    """Every table of two homes has the same rows."""
    layers = ("rules", "items", "judged", "metrics", "marts")
    of_spark, of_duckdb = tables(spark, layers), tables(duckdb, layers)
    assert of_spark.keys() == of_duckdb.keys()
    assert len(of_duckdb) > 150
    differing = {table: len(rows) for table, rows in of_duckdb.items() if rows != of_spark[table]}
    assert not differing
    assert marts(spark) == marts(duckdb)


def results(home: Path) -> dict[str, str]:
    """What each data test of the last run came to."""
    return {each["unique_id"]: each["status"] for each in LastRun(Home(home)).results if each["unique_id"].startswith("test.")}


@pytest.mark.parametrize("case", CASES)
def test_a_full_build_equals_duckdb_s(case: str, master: str, built_homes: dict[str, Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = on_spark(master, ("build", "--landing", FIXTURES / case / "landing", "--home", home))
    assert said.code == 0, said.err[-3000:]
    assert_equal(home, built_homes[case])
    assert results(home) == results(built_homes[case])
    assert len(results(home)) > 50
    ran = re.findall(r"spark: executor (\d+) on \S+ ran ([\d,]+) tasks", said.out)
    assert len(ran) == 2, said.out[-2000:]


@pytest.fixture(scope="module")
def increments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("increments")


def test_late_and_shuffled_deliveries_with_a_date_of_which_nothing_remains(
    master: str, built_homes: dict[str, Path], increments: Path
) -> None:
    landing, home = increments / "landing", increments / "home"
    shutil.copytree(FIXTURES / "case101" / "landing", landing)
    dts = sorted({folder.name for folder in landing.glob("*/*/dt=*")})
    (last,) = query(built_homes["case101"], "select 'dt=' || max(business_date) from marts.taobao_rounds")[0]
    gone, kept = [dt for dt in dts if dt >= last], [dt for dt in dts if dt < last]
    late = random.Random(101).sample(kept, len(kept) // 2)
    moved = {
        folder: _made(increments / "late" / folder.relative_to(landing)) for dt in late for folder in landing.glob(f"*/*/{dt}")
    }
    for folder, aside in moved.items():
        folder.rename(aside)
    going = {
        folder: _made(increments / "gone" / folder.relative_to(landing)) for dt in gone for folder in landing.glob(f"*/*/{dt}")
    }
    said = on_spark(
        master,
        ("build", "--landing", landing, "--home", home),
        *(("move", aside, folder) for folder, aside in moved.items()),
        *(("move", folder, aside) for folder, aside in going.items()),
        ("build", "--landing", landing, "--home", home, "--prune"),
    )
    assert said.code == 0, said.err[-3000:]
    build(landing, increments / "full")
    assert_equal(home, increments / "full")
    assert not query(home, f"from marts.taobao_rounds where business_date = '{last.removeprefix('dt=')}'")


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
