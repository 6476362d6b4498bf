"""dbt on a home's warehouse: the arguments every way of running shares, and the run inside this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from orchestration.build.checks import LastRun, one_line
from orchestration.build.state import project_fingerprint
from orchestration.errors import KefuError
from orchestration.home import PROJECT, Home


def dbt_environment(home: Home) -> dict[str, str]:
    """The environment that profiles.yml reads."""
    return {"KEFU_HOME": str(home.path)}


def build_arguments(*, full_refresh: bool, unchanged: Sequence[str] = ()) -> list[str]:
    """Arguments to build models, seeds and data tests, but for the selections whose result stands as the last build left it.

    Unit tests prove the code, not the data: they have no place in a production run.
    """
    left_out = ["--exclude", *unchanged] if unchanged else []
    refreshed = ["--full-refresh"] if full_refresh else []
    # Checks of a mart run also where the mart, a view, stands as it is: what it shows is new.
    return ["build", "--exclude-resource-type", "unit_test", "--indirect-selection", "empty", *left_out, *refreshed]


def run_dbt(home: Home, arguments: Sequence[str], report: Callable[[str], None]) -> None:
    """Runs dbt in this process and reports the checks that warn. KefuError tells the first things that failed."""
    runner = dbtRunner(manifest=_manifest(home), callbacks=[_progress(report)])
    try:
        result = _invoke(runner, [*arguments, *_options(home)])
    finally:  # dbt keeps the warehouse open in this process, where others are to open it next
        reset_adapters()  # type: ignore[no-untyped-call]
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    last_run = LastRun(home)
    with home.connect() as connection:
        if not result.success:
            raise KefuError(last_run.failure(connection) or f"dbt failed: {one_line(result.exception)}")
        for warning in last_run.warnings(connection):
            report(warning)


def _invoke(runner: dbtRunner, arguments: list[str]) -> dbtRunnerResult:
    """Runs dbt without its process's command line, which it would write into its files: a buyer to forget may stand there."""
    command_line, sys.argv = sys.argv, sys.argv[:1]
    try:
        return runner.invoke(arguments)
    finally:
        sys.argv = command_line


def manifest_path(home: Home) -> Path:
    """Has dbt read the project as it is now, into a file of the home that is whole at any moment."""
    path, aside = home.dbt / "project.json", home.dbt / f"project-{os.getpid()}.new"
    _parse(home).write(str(aside))
    aside.replace(path)
    return path


_manifests: dict[str, Manifest] = {}  # by fingerprint of the project: builds of one process read it once


def _manifest(home: Home) -> Manifest:
    """The project as dbt reads it now, which lies in the home then: checks look there, however early dbt's run ends."""
    os.environ.update(dbt_environment(home))
    fingerprint = project_fingerprint()
    if fingerprint not in _manifests:
        _manifests[fingerprint] = _parse(home)
    elif not (home.dbt / "manifest.json").exists():
        _manifests[fingerprint].write(str(home.dbt / "manifest.json"))
    return _manifests[fingerprint]


def _parse(home: Home) -> Manifest:
    os.environ.update(dbt_environment(home))
    parsed = _invoke(dbtRunner(), ["parse", *_options(home)])
    if not isinstance(parsed.result, Manifest):
        raise KefuError(f"the dbt project cannot be read: {one_line(parsed.exception)}")
    return parsed.result


def _options(home: Home) -> list[str]:
    return [
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
        *("--target-path", str(home.dbt), "--log-path", str(home.logs), "--log-level", "none", "--quiet"),
    ]


def _progress(report: Callable[[str], None]) -> Callable[[Any], None]:
    def tell(event: Any) -> None:
        if event.info.name == "LogModelResult" and event.data.execution_time >= 1:
            report(f"built {event.data.node_info.node_name} ({event.data.execution_time:.1f} s)")

    return tell
