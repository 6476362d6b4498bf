"""Dagster's sensors that look for something to tell. They read its storage and the published marts: no build waits for them."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import duckdb

from orchestration.alerts.alert import Alert
from orchestration.alerts.causes import causes
from orchestration.alerts.outbox import Outbox
from orchestration.alerts.runs import failed_checks, run_failures
from orchestration.alerts.transports import HOW_TO_CONFIGURE, transports_from
from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import Home
from orchestration.language import localized

SECONDS_BETWEEN_TICKS = 60
LOOK_AGAIN_AFTER = timedelta(hours=1)  # a delivery can be missing without anything new being published
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
OVERLAP = timedelta(minutes=5)  # runs are read twice rather than missed: the outbox knows what it has told


def alert_sensors(home: Home) -> list[dg.SensorDefinition]:
    """The sensors of a home. They are off until they are switched on, and skip where no transport is configured."""

    @dg.run_failure_sensor(name="alert_failed_runs", minimum_interval_seconds=SECONDS_BETWEEN_TICKS)
    def alert_failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        """Tells of a run that failed, from the moment it is switched on."""
        if not transports_from(os.environ):
            return dg.SkipReason(localized(HOW_TO_CONFIGURE))
        _tell(home, run_failures(context.instance, context.dagster_run, context.failure_event.message or ""))
        return None

    @dg.sensor(name="alert_failed_checks", minimum_interval_seconds=SECONDS_BETWEEN_TICKS)
    def alert_failed_checks(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Tells of checks that failed or warned, in runs that finish once it is switched on. Cursor: how far it has read."""
        if not transports_from(os.environ):
            return dg.SkipReason(localized(HOW_TO_CONFIGURE))
        now = datetime.now(UTC)
        alerts: list[Alert] = []
        if context.cursor:
            since = dg.RunsFilter(statuses=FINISHED, updated_after=datetime.fromisoformat(context.cursor) - OVERLAP)
            for record in context.instance.get_run_records(since, order_by="update_timestamp", ascending=True):
                alerts += failed_checks(context.instance, record.dagster_run)
        _tell(home, alerts)
        context.update_cursor(now.isoformat())
        return dg.SkipReason(localized(f"{len(alerts)} failed checks in the runs of late, each told once"))

    @dg.sensor(name="alert_marts", minimum_interval_seconds=SECONDS_BETWEEN_TICKS)
    def alert_marts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Tells what the marts give reason to, once others are published or an hour has passed. Cursor: what was read when."""
        if not transports_from(os.environ):
            return dg.SkipReason(localized(HOW_TO_CONFIGURE))
        now = beijing_now()
        if not home.published.exists():
            _tell(home, [])
            return dg.SkipReason(localized("nothing is published yet"))
        version = home.published.resolve()
        if not _is_due(context.cursor, version.name, now):
            _tell(home, [])
            return dg.SkipReason(localized(f"{version.name} has been read"))
        with duckdb.connect(str(version), read_only=True) as marts:
            alerts = causes(marts, now)
        _tell(home, alerts)
        context.update_cursor(json.dumps({"version": version.name, "read_at": now.isoformat()}))
        return dg.SkipReason(localized(f"{version.name} gives {len(alerts)} reasons for an alert, each told once"))

    return [alert_failed_runs, alert_failed_checks, alert_marts]


def _tell(home: Home, alerts: Sequence[Alert]) -> None:
    """Sends alerts. KefuError, which the tick shows, names what was not taken: it is sent at the next tick of any sensor."""
    failures = Outbox(home.alerts).tell(alerts, transports_from(os.environ))
    if failures:
        raise KefuError(f"{'; '.join(failures)} (tried again at the next tick)")


def _is_due(cursor: str | None, version: str, now: datetime) -> bool:
    if cursor is None:
        return True
    read = json.loads(cursor)
    return bool(read["version"] != version or now - datetime.fromisoformat(read["read_at"]) >= LOOK_AGAIN_AFTER)
