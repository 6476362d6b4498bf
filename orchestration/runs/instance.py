"""Dagster's own storage and settings, in HOME/dagster. Run as a module it prepares them for KEFU_HOME, before Dagster starts."""

from __future__ import annotations

import os
from pathlib import Path

from dagster import DagsterInstance

from orchestration.home import Home, open_home

SETTINGS = """\
# Written by kefu where it is missing; yours to change.
telemetry: {enabled: false}
nux: {enabled: false}
# DuckDB takes one writer: whatever opens the warehouse is in a pool of one slot.
concurrency:
  pools: {default_limit: 1, granularity: op}
# A run that was canceled or died gives its slot back.
run_monitoring: {enabled: true, free_slots_after_run_end_seconds: 60}
"""


def write_settings(home: Home) -> None:
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        settings.write_text(SETTINGS, encoding="utf-8")


def instance_of(home: Home) -> DagsterInstance:
    write_settings(home)
    return DagsterInstance.from_config(str(home.dagster))


if __name__ == "__main__":
    write_settings(open_home(Path(os.environ["KEFU_HOME"])))
