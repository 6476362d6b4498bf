"""What the runs in Dagster's storage give reason to tell: that they failed, and the checks in them that did.

What fails in the same way is told once a day (Beijing), not once a run: a job may run every minute.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from dagster import AssetCheckEvaluation, AssetCheckSeverity, DagsterEventType, DagsterInstance, DagsterRun, Failure
from dagster_shared.error import SerializableErrorInfo

from orchestration.alerts.alert import Alert, Kind
from orchestration.clock import BEIJING
from orchestration.errors import KefuError
from orchestration.language import localized

LONGEST_ERROR = 400  # characters
DBT_RESULT = re.compile(r"\d+ of \d+ .* in [\d.]+s\]")  # a result with its duration, which is another one each time
FOUND = {"dagster_dbt/failed_row_count": "rows", "rows": "rows", "example": "such as"}  # metadata of a check


def run_failures(instance: DagsterInstance, run: DagsterRun, message: str) -> list[Alert]:
    """A failed run, by the steps that failed; by Dagster's message where none did, as when its process died."""
    records = instance.get_records_for_run(run.run_id, of_type=DagsterEventType.STEP_FAILURE).records
    events = [record.event_log_entry.get_dagster_event() for record in records]
    failures = [(f"step {event.step_key}", error_line(event.step_failure_data.error)) for event in events]
    day = _ended_on(instance, run)
    return [
        Alert(
            f"{Kind.RUN}/{run.job_name}/{step}/{error}/{day}",
            Kind.RUN,
            localized(f"{run.job_name}{_partitions(run)}, {step}: {error} {_where(run)}"),
        )
        for step, error in failures or [("no step", _one_line(message))]
    ]


def failed_checks(instance: DagsterInstance, run: DagsterRun) -> list[Alert]:
    """The checks of a run that failed, be it with a warning only: by the days concerned, where they are known."""
    records = instance.get_records_for_run(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION).records
    checks = [record.event_log_entry.get_dagster_event().asset_check_evaluation_data for record in records]
    failed = [check for check in checks if not check.passed]
    by_day = {check.asset_check_key for check in failed if check.partition}
    day = _ended_on(instance, run)
    return [_failed_check(run, check, day) for check in failed if check.partition or check.asset_check_key not in by_day]


def _failed_check(run: DagsterRun, check: AssetCheckEvaluation, day: date) -> Alert:
    asset = check.asset_key.to_user_string()
    verb = "warns" if check.severity == AssetCheckSeverity.WARN else "failed"
    partitions = f" ({check.partition})" if check.partition else _partitions(run)
    found = [f"{name}: {_one_line(str(check.metadata[key].value))}" for key, name in FOUND.items() if key in check.metadata]
    return Alert(
        "/".join([Kind.CHECK, check.check_name, asset, verb, *([check.partition] if check.partition else []), str(day)]),
        Kind.CHECK,
        localized(f"{check.check_name} of {asset}{partitions} {verb}{', '.join(['', *found])} {_where(run)}"),
    )


def error_line(error: SerializableErrorInfo | None) -> str:
    """The first line of what went wrong at the bottom, without the frames that Dagster and dbt put around it."""
    if error is None:
        return "no error was recorded"
    while error.cause is not None:
        error = error.cause
    text = error.message.split("Errors parsed from dbt logs:")[-1]
    lines = (line.strip().removeprefix("[ERROR]: ") for line in text.splitlines())
    first = next((line for line in lines if line and not DBT_RESULT.fullmatch(line)), error.cls_name or "")
    for kind in (KefuError, Failure):
        first = first.removeprefix(f"{kind.__module__}.{kind.__name__}: ")
    return _one_line(first)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_ERROR else line[: LONGEST_ERROR - 1] + "…"


def _partitions(run: DagsterRun) -> str:
    named: Sequence[str | None] = (run.tags.get("dagster/partition"),)
    if named == (None,):
        named = tuple(run.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    return f" ({' to '.join(name for name in named if name)})" if any(named) else ""


def _where(run: DagsterRun) -> str:
    return f"[Dagster, run {run.run_id[:8]}]"


def _ended_on(instance: DagsterInstance, run: DagsterRun) -> date:
    """The Beijing date on which a run ended."""
    record = instance.get_run_record_by_id(run.run_id)
    ended = record.end_time if record and record.end_time else datetime.now(BEIJING).timestamp()
    return datetime.fromtimestamp(ended, BEIJING).date()
