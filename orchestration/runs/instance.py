"""Dagster's own storage and settings, in HOME/dagster. Run as a module it prepares them for KEFU_HOME, before Dagster starts."""

from __future__ import annotations

import os
from pathlib import Path

from dagster import DagsterInstance

from orchestration.home import Home, open_home

DEFINITIONS = "orchestration.runs.definitions"  # the module that Dagster loads
SETTINGS = """\
# Written by kefu where it is missing; yours to change.
telemetry: {enabled: false}
nux: {enabled: false}
# DuckDB takes one writer: whatever opens the warehouse is in a pool of one slot.
concurrency:
  pools: {default_limit: 1, granularity: op}
# A run that was canceled or died gives its slot back.
run_monitoring: {enabled: true, free_slots_after_run_end_seconds: 60}
# Ticks go after days; runs and their logs are removed by the sensor prune_history.
retention:
  schedule: {purge_after_days: 30}
  sensor: {purge_after_days: {skipped: 1, success: 30, failure: 30, started: 30}}
"""
OLDER = SETTINGS[: SETTINGS.index("# Ticks")]  # as kefu 0.1 wrote them


def write_settings(home: Home) -> None:
    settings = home.dagster / "dagster.yaml"
    if not settings.exists() or settings.read_text(encoding="utf-8") == OLDER:
        settings.write_text(SETTINGS, encoding="utf-8")


def instance_of(home: Home) -> DagsterInstance:
    write_settings(home)
    return DagsterInstance.from_config(str(home.dagster))


if __name__ == "__main__":
    write_settings(open_home(Path(os.environ["KEFU_HOME"])))
