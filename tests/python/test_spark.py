"""Models on a cluster of two workers, which `make test-spark` starts around this: every table is what DuckDB makes of it."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import FIXTURES, Outcome, build, kefu, marts, query, warehouse

from orchestration.build.checks import LastRun
from orchestration.home import PROJECT, Home
from orchestration.spark.engine import ENGINE, MASTER, SPARK

pytestmark = pytest.mark.spark
PYTHON = PROJECT / ".venv-spark" / "bin" / "python"
ALL = sorted(path.name for path in FIXTURES.iterdir())
IS_ALL = os.environ.get("CASES") == "all"
CASES = ALL if IS_ALL else ["case101"]
URL = os.environ.get(MASTER, "")
# One process for all commands: Spark takes long to start, and longer to get warm.
COMMANDS = """
import json, shutil, sys
from orchestration.cli import main
for command, *arguments in json.loads(sys.argv[1]):
    if command == "move":
        shutil.move(*arguments)
    elif code := main([command, *arguments]):
        sys.exit(code)
"""
UNIT_TESTS = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from dbt.cli.main import dbtRunner
from orchestration.build.dbt import _options
from orchestration.home import Home
from orchestration.spark.session import session
home = Home(Path(sys.argv[1]))
with session(home), TemporaryDirectory() as folder:
    selected = ["--select", "test_type:unit", "--exclude", "path:models/live"]
    run = dbtRunner().invoke(["test", *selected, *_options(home, folder, "spark")])
    failed = [result for result in run.result if result.status != "pass"]
    for result in failed:
        print(result.node.unique_id, result.message)
    print(f"passed: {len(run.result)}" if not failed else f"failed: {len(failed)}")
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


@pytest.fixture(scope="module", autouse=True)
def models_run_on_duckdb_in_this_process() -> Iterator[None]:
    assert URL.startswith("spark://"), f"run it by `make test-spark`, which sets {MASTER}"
    with pytest.MonkeyPatch.context() as patch:
        for name in (ENGINE, MASTER):
            patch.delenv(name)
        yield


def on_spark(*commands: tuple[object, ...]) -> Outcome:
    """Runs commands of kefu in one process whose models run on the cluster. Ends where one fails."""
    run = subprocess.run(
        [str(PYTHON), "-c", COMMANDS, json.dumps([[str(each) for each in command] for command in commands])],
        cwd=PROJECT,
        env=os.environ | {ENGINE: SPARK, MASTER: URL},
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


@dataclass(frozen=True)
class Built:
    """What was built on the cluster, and what was said."""

    said: str
    folder: Path
    gone: str  # the last date, of which nothing remains in home `increments`


@pytest.fixture(scope="module")
def built(built_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Each case whole, then case 101 in two builds: late and shuffled deliveries, and the last date taken back."""
    folder = tmp_path_factory.mktemp("spark")
    landing, home = folder / "landing", folder / "increments"
    shutil.copytree(FIXTURES / "case101" / "landing", landing)
    (last,) = query(built_homes["case101"], "select max(business_date)::varchar from marts.taobao_rounds")[0]
    dts = sorted({path.name for path in landing.glob("*/*/dt=*")})
    kept = [dt for dt in dts if dt < f"dt={last}"]
    late = _aside(landing, folder / "late", random.Random(101).sample(kept, len(kept) // 2))
    going = _aside(landing, folder / "gone", [dt for dt in dts if dt not in kept])
    for path, aside in late.items():
        path.rename(_made(aside))
    for aside in going.values():
        _made(aside)
    said = on_spark(
        *(("build", "--landing", FIXTURES / case / "landing", "--home", folder / case) for case in CASES),
        ("build", "--landing", landing, "--home", home),
        *(("move", aside, path) for path, aside in late.items()),
        *(("move", path, aside) for path, aside in going.items()),
        ("build", "--landing", landing, "--home", home, "--prune"),
    )
    assert said.code == 0, said.err[-3000:]
    return Built(said.out, folder, last)


def _aside(landing: Path, aside: Path, dts: list[str]) -> dict[Path, Path]:
    """The folders of some dts, and where each is to lie beside the landing folder."""
    return {path: aside / path.relative_to(landing) for dt in dts for path in landing.glob(f"*/*/{dt}")}


@pytest.mark.parametrize("case", CASES)
def test_a_full_build_equals_duckdb_s(case: str, built: Built, built_homes: dict[str, Path]) -> None:
    assert_equal(built.folder / case, built_homes[case])
    assert results(built.folder / case) == results(built_homes[case])
    assert len(results(built.folder / case)) > 30


def test_both_workers_have_work(built: Built) -> None:
    ran = re.findall(r"spark: executor (\d+) on \S+ ran ([\d,]+) tasks", built.said)
    assert {executor for executor, _ in ran} == {"0", "1"}
    assert len(ran) == 2 * (len(CASES) + 2)


def test_late_and_shuffled_deliveries_with_a_date_of_which_nothing_remains(built: Built, tmp_path: Path) -> None:
    home = built.folder / "increments"
    build(built.folder / "landing", tmp_path / "full")
    assert_equal(home, tmp_path / "full")
    assert not query(home, f"from marts.taobao_rounds where business_date >= '{built.gone}'")
    rebuilt = re.findall(r"rebuilt taobao: (\d+) dates", built.said)
    assert int(rebuilt[-1]) >= 1  # by dates, not from nothing
    assert warehouse(home, "from build.computed") == [("spark", True)]


def test_readers_and_commands_notice_no_difference(built: Built, built_homes: dict[str, Path], tmp_path: Path) -> None:
    home, of_duckdb = built.folder / "case101", built_homes["case101"]
    (round_id,) = query(home, "select min(round_id) from marts.taobao_rounds where not is_counted")[0]
    explained = [kefu("explain", round_id, "--home", each) for each in (home, of_duckdb)]
    assert explained[0] == explained[1]
    assert explained[0].code == 0
    assert kefu("backup", "--home", home, "--to", tmp_path / "home.tar.gz").code == 0
    assert kefu("restore", "--home", tmp_path / "restored", "--from", tmp_path / "home.tar.gz").code == 0
    assert_equal(tmp_path / "restored", of_duckdb)
    assert kefu("compact", "--home", tmp_path / "restored").code == 0
    refused = kefu("simulate", "--home", tmp_path / "restored", "--set", "response_target_seconds=120")
    assert "was built on Spark" in refused.err
    build(FIXTURES / "case101" / "landing", tmp_path / "restored")  # on DuckDB, without anything new
    assert_equal(tmp_path / "restored", of_duckdb)
    assert not (tmp_path / "restored" / "spark").exists()


@pytest.mark.skipif(not IS_ALL, reason="of make test-spark CASES=all, as it takes some minutes")
def test_a_killed_build_and_a_plain_one_equal_a_full_rebuild(built: Built, tmp_path: Path) -> None:
    landing, home = built.folder / "landing", built.folder / "increments"
    back = sorted((built.folder / "gone").glob("*/*/*"))
    for path in back:
        path.rename(_made(landing / path.relative_to(built.folder / "gone")))
    dies = subprocess.Popen(
        [str(PYTHON), "-c", COMMANDS, json.dumps([["build", "--landing", str(landing), "--home", str(home)]])],
        cwd=PROJECT,
        env=os.environ | {ENGINE: SPARK, MASTER: URL},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert dies.stdout is not None
    assert any(line.startswith("built ") for line in dies.stdout)  # in the midst of its models
    dies.kill()
    dies.wait()
    assert warehouse(home, "from build.computed") == [("spark", False)]
    said = on_spark(("build", "--landing", landing, "--home", home))
    assert said.code == 0, said.err[-3000:]
    assert_equal(home, built.folder / "case101")


@pytest.mark.skipif(not IS_ALL, reason="of make test-spark CASES=all, as it takes some minutes")
def test_unit_tests_pass_on_spark(built: Built) -> None:
    run = subprocess.run(
        [str(PYTHON), "-c", UNIT_TESTS, str(built.folder / "case101")],
        cwd=PROJECT,
        env=os.environ | {ENGINE: SPARK, MASTER: URL},
        capture_output=True,
        text=True,
    )
    assert re.fullmatch(r"passed: \d{3}", run.stdout.splitlines()[-1]), run.stdout[-3000:] + run.stderr[-2000:]


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
