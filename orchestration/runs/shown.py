"""What a run and a partition show in Dagster: the figures of a day on the page of that day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import duckdb

from orchestration.build.checks import LastRun
from orchestration.runs import figures
from orchestration.runs.figures import ResponseRates, Span

METRICS = "service_metrics"  # the mart beside which the figures are shown

Metadata = dict[str, Any]


class Shown:
    """What partitions show, each of itself. Read at once for all of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, last_run: LastRun, spans: Mapping[str, Span]) -> None:
        """spans: the partitions, with their first and last day."""
        self.spans = spans
        self.rates = ResponseRates.read(connection)
        present = figures.row_counts(connection)
        dated = {mart: dates for mart, dates in last_run.dated_marts().items() if mart in present}
        self.rows = figures.rows_within(connection, dated, spans)
        self.values = figures.metric_values(connection, [last for _, last in spans.values()])
        self.delivered: dict[tuple[str, ...], Metadata] = {
            (platform, table, str(dt)): {"rows": rows, "rejected": rejected}
            for platform, table, dt, rows, rejected in connection.execute(
                "select platform, table_name, dt, row_count, rejected_row_count from raw.deliveries"
            ).fetchall()
        }

    def of(self, key: dg.AssetKey, partition: str) -> Metadata:
        """A mart's rows of the partition, of the metrics their values and a picture; a landed table's delivery of that day."""
        *_, table = key.path
        metadata = dict(self.delivered.get((*key.path, partition), {}))
        if key.path[0] == "marts" and table in self.rows:
            metadata["rows_of_dates_built"] = self.rows[table][partition]
        if key.path == ["marts", METRICS]:
            metadata.update(self.of_day(self.spans[partition][1]))
        return metadata

    def of_day(self, day: date) -> Metadata:
        """The metrics of a day, and the response rates up to it."""
        if day not in self.values:
            return {}
        records = [
            dg.TableRecord({name: "" if value is None else value for name, value in row.items()}) for row in self.values[day]
        ]
        return {"metrics": dg.MetadataValue.table(records), "response_rate": dg.MetadataValue.md(self.rates.picture(day))}
