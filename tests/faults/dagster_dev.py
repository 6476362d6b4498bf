"""`dagster dev` on a home: web server, daemon with its queue, and what the faults ask of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.home import PROJECT, open_home
from orchestration.runs.assets import POOL
from orchestration.runs.instance import SETTINGS, instance_of

LAUNCH = """
mutation($params: ExecutionParams!) {
    launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}"""
TERMINATE = """
mutation($run: String!) {
    terminateRun(runId: $run) { __typename ... on TerminateRunFailure { message } ... on PythonError { message } }
}"""
STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
OVER = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class Dagster:
    home: Path
    port: int

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer: dict[str, Any] = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]  # type: ignore[no-any-return]

    def launch(self, day: str) -> str:
        """A run of the daily job for a day and all that was touched; its id."""
        selector = {
            "repositoryLocationName": "orchestration.runs.definitions", "repositoryName": "__repository__",
            "jobName": "daily_build",
        }  # fmt: skip
        config = {"ops": {"models": {"config": {"with_touched": True}}}}
        tags = [{"key": "dagster/partition", "value": day}]
        params = {"selector": selector, "runConfigData": config, "executionMetadata": {"tags": tags}}
        launched = self.ask(LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run: str) -> str:
        return str(self.ask(STATUS, run=run)["runOrError"]["status"])

    def terminate(self, run: str) -> None:
        answer = self.ask(TERMINATE, run=run)["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def slot_of(self) -> str | None:
        """The run that holds the slot of the warehouse's pool."""
        with instance_of(open_home(self.home)) as instance:
            claimed = instance.event_log_storage.get_concurrency_info(POOL).claimed_slots
        return claimed[0].run_id if claimed else None

    def builder(self) -> int | None:
        """The process that builds into this home, once dbt is at work in it."""
        if not (self.home / "dbt" / "manifest.json").exists():
            return None
        holder = (self.home / "writer.lock").read_text()
        return int(holder) if holder else None


def wait_until(is_so: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds it took."""
    started = time.monotonic()
    while not is_so():
        assert time.monotonic() - started < seconds, f"after {seconds} s not yet: {what}"
        time.sleep(0.2)
    return time.monotonic() - started


@contextmanager
def dagster_dev(landing: Path, home: Path, free_slots_seconds: int = 60) -> Iterator[Dagster]:
    folder = open_home(home).dagster
    settings = SETTINGS.replace("free_slots_after_run_end_seconds: 60", f"free_slots_after_run_end_seconds: {free_slots_seconds}")
    (folder / "dagster.yaml").write_text(settings, encoding="utf-8")
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    executable = str(Path(sys.executable).with_name("dagster"))
    with open(home / "logs" / "dagster-dev.log", "wb") as log:
        process = subprocess.Popen(
            [executable, "dev", "-m", "orchestration.runs.definitions", "-h", "127.0.0.1", "-p", str(port)],
            cwd=PROJECT,
            env=os.environ
            | {"KEFU_HOME": str(home), "KEFU_LANDING": str(landing), "DAGSTER_HOME": str(folder), "PYTHONPATH": str(PROJECT)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    dagster = Dagster(home, port)
    try:
        wait_until(lambda: _answers(dagster), 180, "the web server answers")
        yield dagster
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _answers(dagster: Dagster) -> bool:
    try:
        entries = dagster.ask("{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }")
    except (urllib.error.URLError, OSError):
        return False
    return [entry["loadStatus"] for entry in entries["workspaceOrError"]["locationEntries"]] == ["LOADED"]
