"""dbt's own unit tests: every one runs and passes, in one run of dbt on a built home. What is said of a run that fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import FIXTURES, build_of, copy_project

from orchestration.build.checks import LastRun
from orchestration.build.dbt import manifest_path, run_dbt
from orchestration.build.steps import OF_MOMENTS
from orchestration.errors import KefuError
from orchestration.home import Home, open_home


@pytest.fixture
def home(built_homes: dict[str, Path], tmp_path: Path) -> Home:
    """A built home of one's own: others read the shared one, and dbt locks it."""
    copy = tmp_path / "built"
    shutil.copytree(built_homes["case101"], copy, symlinks=True)
    return open_home(copy)


def test_every_unit_test_passes(home: Home) -> None:
    run_dbt(home, ["run", "--select", OF_MOMENTS], report=print)  # dbt reads there which columns a mock has; no build makes them
    results = home.dbt / "run_results.json"
    results.unlink()
    try:
        run_dbt(home, ["test", "--select", "test_type:unit"], report=print)
    except KefuError:
        if not results.exists():  # dbt did not get as far as the tests
            raise
    ran = {test["unique_id"]: test for test in json.loads(results.read_text())["results"]}
    known = json.loads((home.dbt / "manifest.json").read_text())["unit_tests"]
    assert known and ran.keys() == known.keys()
    failed = {name: test["message"] for name, test in ran.items() if test["status"] != "pass"}
    assert not failed, "\n\n".join(f"{name}: {message}" for name, message in failed.items())


def test_a_first_build_that_fails_shows_its_own_error(home: Home, tmp_path: Path) -> None:
    """Its process has read the project for another home before; dbt ends before it writes anything to this one."""
    run_dbt(home, ["list", "--select", "as_of"], report=print)
    with pytest.raises(KefuError, match="no_such_selector"):
        run_dbt(open_home(tmp_path / "new"), ["build", "--selector", "no_such_selector"], report=print)


def test_a_failing_unit_test_is_named_with_what_it_says(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    manifest_path(home)
    results = [
        {"unique_id": "unit_test.kefu.as_of.test_the_day", "status": "fail", "failures": 1, "message": "actual\ndiffers",
         "compiled_code": None},
    ]  # fmt: skip
    (home.dbt / "run_results.json").write_text(json.dumps({"results": results}))
    with home.connect() as connection:
        last_run = LastRun(home)
        assert last_run.failure(connection) == "as_of.test_the_day failed: actual differs"
        assert last_run.findings() == [], "it found no rows of the warehouse"


def test_a_model_that_fails_on_a_fresh_home_shows_its_own_error(tmp_path: Path) -> None:
    project, landing = copy_project(tmp_path / "project"), tmp_path / "landing"
    (project / "models" / "build" / "broken.sql").write_text("select no_such_column from {{ ref('as_of') }}\n", encoding="utf-8")
    delivery = Path("kuaishou", "messages", "dt=2023-03-20")
    shutil.copytree(FIXTURES / "case105" / "landing" / delivery, landing / delivery)
    outcome = build_of(project, landing, tmp_path / "home")
    assert outcome.code == 1
    assert outcome.err.startswith("kefu: broken failed: ") and "no_such_column" in outcome.err


def test_dates_cannot_be_rebuilt_without_knowing_whose_they_are(built_homes: dict[str, Path], tmp_path: Path) -> None:
    """Where it was not known nothing was deleted, and rows doubled."""
    project, home = copy_project(tmp_path / "project"), tmp_path / "home"
    shutil.copytree(built_homes["case101"], home, symlinks=True)
    (project / "models" / "build" / "without_platform.sql").write_text(
        "{{ config(materialized='incremental', incremental_strategy='rebuild_dates') }}\n"
        "select business_date from {{ ref('build_dates') }}\n",
        encoding="utf-8",
    )
    code = f"""
from pathlib import Path
from orchestration.build.dbt import run_dbt
from orchestration.home import Home, open_home
for _ in range(2):
    print("run")
    run_dbt(open_home(Path({str(home)!r})), ["run", "--select", "without_platform"], report=print)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=os.environ | {"PYTHONPATH": str(project)}, capture_output=True, text=True
    )
    assert run.stdout.split() == ["run", "run"], "the first time there is nothing to delete"
    assert "rebuild_dates: without_platform has no column platform" in run.stderr
