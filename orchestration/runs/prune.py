"""Dagster's storage kept small: by itself it keeps every run, and every event that a later one has replaced."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

KEPT_DAYS = 30
KEPT_DAYS_OF = {"realtime": 1}  # jobs that run every minute
REPLACED_DAYS = 1  # after which an event goes that a later one of its asset and partition has replaced
OVER = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def prune(instance: dg.DagsterInstance, now: datetime) -> int:
    """Removes old runs with their logs, and replaced events. What was built last stays known of each partition.

    Returns how many runs it has removed.
    """
    removed = 0
    for record in instance.get_run_records(dg.RunsFilter(statuses=OVER, updated_before=now - timedelta(days=1))):
        run, kept = record.dagster_run, KEPT_DAYS_OF.get(record.dagster_run.job_name, KEPT_DAYS)
        if record.update_timestamp.replace(tzinfo=UTC) < now - timedelta(days=kept):
            _remove(instance, run.run_id)
            removed += 1
    _prune_events(instance, now)
    return removed


def _remove(instance: dg.DagsterInstance, run_id: str) -> None:
    """Removes a run but for what it says of assets, which instance.delete_run would remove with it."""
    instance.run_storage.delete_run(run_id)
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):  # a file per run
        for ending in ("", "-wal", "-shm"):
            Path(storage.path_for_shard(run_id) + ending).unlink(missing_ok=True)
    instance.compute_log_manager.delete_logs(prefix=[run_id])


def _prune_events(instance: dg.DagsterInstance, now: datetime) -> None:
    event, check = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    before = (now - timedelta(days=REPLACED_DAYS)).replace(tzinfo=None)
    is_built = [event.dagster_event_type == "ASSET_MATERIALIZATION"]
    is_over = [check.execution_status != "PLANNED"]
    with instance.event_log_storage.index_transaction() as connection:  # type: ignore[attr-defined]
        connection.execute(
            SqlEventLogStorageTable.delete().where(
                event.timestamp < before, event.id.not_in(_newest(event.id, [event.asset_key, event.partition], is_built))
            )
        )
        connection.execute(
            AssetCheckExecutionsTable.delete().where(
                check.evaluation_event_timestamp < before,
                check.id.not_in(_newest(check.id, [check.asset_key, check.check_name, check.partition], is_over)),
            )
        )
        connection.execute(AssetEventTagsTable.delete().where(AssetEventTagsTable.c.event_id.not_in(db.select(event.id))))


def _newest(
    key: db.Column[int], groups: Sequence[db.Column[str]], conditions: Sequence[db.ColumnElement[bool]]
) -> db.Select[int]:
    """The newest row of each group."""
    return db.select(db.func.max(key)).where(*conditions).group_by(*groups)
