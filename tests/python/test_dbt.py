"""dbt's own unit tests: every one runs and passes, in one run of dbt on a built home."""

from __future__ import annotations

import json
from pathlib import Path

from orchestration.build.dbt import run_dbt
from orchestration.errors import KefuError
from orchestration.home import open_home


def test_every_unit_test_passes(built_homes: dict[str, Path]) -> None:
    home = open_home(built_homes["case101"])
    results = home.dbt / "run_results.json"
    results.unlink()  # that of the build
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
