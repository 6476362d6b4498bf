"""Dagster's events of runs, in SQLite as by default, but those of many partitions at once in one transaction.

Dagster's own way opens a database four times an event, and a run over 60 days of 60 assets plans and tells 7,200 of them. The
versions of its packages are pinned, and test_record.py compares what is written here with what Dagster writes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dagster import DagsterEventType, StringSource
from dagster._config import UserConfigSchema
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")  # by which every process that writes events has Dagster collect them
OF_ASSETS = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED}


class EventStorage(SqliteEventLogStorage):
    """The storage that dagster.yaml names. Its files are those of Dagster's default one, which may take their place again."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """The setting `root` is the folder of all that Dagster keeps."""
        return {"root": StringSource}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: dict[str, str]
    ) -> EventStorage:
        return cls(str(Path(config_value["root"], "history", "runs")), inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores events of one run, those of assets together."""
        of_assets = [event for event in events if event.dagster_event_type in OF_ASSETS]
        for event in events:
            if event.dagster_event_type not in OF_ASSETS:
                self.store_event(event)
        if of_assets:
            self._store_of_assets(of_assets)

    def _store_of_assets(self, events: Sequence[EventLogEntry]) -> None:
        """Stores events in the run's database and in that of all runs, where an asset's page begins with its newest."""
        table = SqlEventLogStorageTable
        rows = [self._event_to_row(event) for event in events]
        newest = {(event.get_dagster_event().asset_key, event.dagster_event_type): event for event in events}
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(table.insert(), rows)
        with self.index_transaction() as connection:
            numbers = [connection.execute(table.insert(), row).inserted_primary_key[0] for row in rows]  # type: ignore[index]
            for number, event in zip(numbers, events, strict=True):
                if newest[event.get_dagster_event().asset_key, event.dagster_event_type] is event:
                    self._store_asset_event(connection, event, number)
            self._store_asset_event_tags(connection, events, numbers)
