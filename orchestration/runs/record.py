"""What was built, told to Dagster: an event per date and asset, thousands of them in one transaction.

Dagster's own way takes two transactions and some milliseconds an event. The versions of its packages are pinned, and
test_record.py compares what is written here with what Dagster writes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import UTC, date, datetime
from time import time
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.instance import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._serdes import serialize_value
from sqlalchemy.engine import Connection

from orchestration.build.checks import LastRun
from orchestration.build.publish import last_version
from orchestration.build.ranges import last_day
from orchestration.build.state import BuildState
from orchestration.runs.shown import Shown
from orchestration.runs.translator import Partitioned

RECORDED = "kefu/recorded_version"  # under which Dagster's storage keeps up to which published version it knows the dates


def record_builds(
    instance: dg.DagsterInstance,
    state: BuildState,
    told: Partitioned,
    *,
    run: dg.DagsterRun | None = None,
    known: Set[tuple[dg.AssetKey, str]] = frozenset(),
) -> int:
    """Records every date rebuilt and month closed, by whatever build, of which Dagster does not know yet.

    known: what the run in which this happens tells of itself. Returns how many events that were.
    """
    days, version = state.dates_built_after(recorded_version(instance)), last_version(state.home)
    closed = set(map(str, state.closed_months()))
    spans = {str(day): (day, day) for day in days} | {month: _month(month) for month in closed}
    shown = Shown(state.connection, LastRun(state.home), spans)
    events = [
        dg.AssetMaterialization(key, partition=day, metadata=shown.of(key, day))
        for key in told.daily
        for day in map(str, days)
        if (key, day) not in known
    ] + [
        dg.AssetMaterialization(key, partition=month, metadata=shown.of(key, month))
        for key in told.monthly
        for month in sorted(closed - instance.get_materialized_partitions(key))
        if (key, month) not in known
    ]
    _record_materializations(instance, events, run)
    instance.run_storage.set_cursor_values({RECORDED: str(version)})
    return len(events)


def recorded_version(instance: dg.DagsterInstance) -> int:
    """The newest published version of which Dagster knows the dates."""
    return int(instance.run_storage.get_cursor_values({RECORDED}).get(RECORDED, 0))


def _month(first: str) -> tuple[date, date]:
    day = date.fromisoformat(first)
    return day, last_day(day)


def _record_materializations(
    instance: dg.DagsterInstance, events: Sequence[dg.AssetMaterialization], run: dg.DagsterRun | None
) -> None:
    storage = _storage(instance)
    entries = list(_entries(DagsterEventType.ASSET_MATERIALIZATION, map(StepMaterializationData, events), run))
    newest = {entry.get_dagster_event().asset_key: entry for entry in entries}  # an asset's page begins with it
    others = [storage._event_to_row(entry) for entry in entries if newest[entry.get_dagster_event().asset_key] is not entry]
    with storage.index_transaction() as connection:
        if others:
            connection.execute(SqlEventLogStorageTable.insert(), others)
        for entry in newest.values():
            storage._store_asset_event(connection, entry, _inserted(connection, storage, entry))


def record_checks(instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckEvaluation], run: dg.DagsterRun) -> None:
    """Records what checks came to on single partitions, in the place of what Dagster planned of them."""
    storage, table = _storage(instance), AssetCheckExecutionsTable
    with storage.index_transaction() as connection:
        for check, entry in zip(checks, _entries(DagsterEventType.ASSET_CHECK_EVALUATION, checks, run), strict=True):
            names = {"asset_key": check.asset_key.to_string(), "check_name": check.check_name, "partition": check.partition}
            values = {
                **names,
                "run_id": run.run_id,
                "execution_status": "SUCCEEDED" if check.passed else "FAILED",
                "evaluation_event": serialize_value(entry),
                "evaluation_event_timestamp": datetime.fromtimestamp(entry.timestamp, UTC).replace(tzinfo=None),
                "evaluation_event_storage_id": _inserted(connection, storage, entry),
            }
            planned = table.delete().where(table.c.run_id == run.run_id)
            for column, value in names.items():
                planned = planned.where(table.c[column] == value)
            connection.execute(planned)
            connection.execute(table.insert().values(values))


def _entries(kind: DagsterEventType, payloads: Iterable[Any], run: dg.DagsterRun | None) -> Iterator[EventLogEntry]:
    """Dagster's entries of events, as those of the run or of none."""
    run_id, job = (run.run_id, run.job_name) if run else (RUNLESS_RUN_ID, RUNLESS_JOB_NAME)
    for payload in payloads:
        event = DagsterEvent(event_type_value=kind.value, event_specific_data=payload, job_name=job)
        yield EventLogEntry(  # type: ignore[no-untyped-call]
            user_message="",
            level=logging.INFO,
            job_name=job,
            run_id=run_id,
            error_info=None,
            timestamp=time(),
            dagster_event=event,
        )


def _inserted(connection: Connection, storage: SqlEventLogStorage, entry: EventLogEntry) -> int:
    """Inserts an event and returns its number."""
    key = connection.execute(storage.prepare_insert_event(entry)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _storage(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    return storage
