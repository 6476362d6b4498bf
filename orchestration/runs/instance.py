"""Dagster's own storage and settings, in HOME/dagster. Run as a module it prepares them for KEFU_HOME, before Dagster starts."""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

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
# Events of many partitions are written in one transaction.
event_log_storage: {module: orchestration.runs.events, class: EventStorage, config: {root: {env: DAGSTER_HOME}}}
"""
OLDER = [SETTINGS[: SETTINGS.index(line)] for line in ("# Ticks", "# Events")]  # as kefu wrote them before


def write_settings(home: Home) -> None:
    settings = home.dagster / "dagster.yaml"
    if not settings.exists() or settings.read_text(encoding="utf-8") in OLDER:
        settings.write_text(SETTINGS, encoding="utf-8")


def instance_of(home: Home) -> DagsterInstance:
    """Dagster's instance of a home, whichever DAGSTER_HOME names. Settings that somebody changed stand as they are."""
    write_settings(home)
    settings = yaml.safe_load((home.dagster / "dagster.yaml").read_text(encoding="utf-8")) or {}
    storage = settings.get("event_log_storage", {})
    is_ours = storage.get("module") == "orchestration.runs.events"
    overrides = {"event_log_storage": {**storage, "config": {"root": str(home.dagster)}}} if is_ours else {}
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster), overrides=overrides))


if __name__ == "__main__":
    write_settings(open_home(Path(os.environ["KEFU_HOME"])))
