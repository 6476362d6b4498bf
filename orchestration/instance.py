"""Dagster's own storage and settings, in HOME/dagster."""

from __future__ import annotations

from dagster import DagsterInstance

from orchestration.home import Home

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
