"""A whole build within a Dagster run, and what Dagster shows of it: progress, rows, failing rows, figures, a picture."""

import os
from collections.abc import Iterator, Sequence, Set
from datetime import date
from time import monotonic
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DbtCliResource

from orchestration.build.checks import LastRun, example_rows
from orchestration.build.dbt import dbt_environment
from orchestration.build.state import BuildState, Dates
from orchestration.build.steps import Report, building
from orchestration.errors import KefuError
from orchestration.home import Home
from orchestration.runs import figures
from orchestration.runs.partitions import daily
from orchestration.runs.translator import dated_keys, translator

PUBLISHED = dg.AssetKey("published_marts")
METRICS = "model.kefu.service_metrics"  # the model beside which the figures are shown


def build_whole(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, home: Home, project: dict[str, Any], dates: Dates
) -> Iterator[Any]:
    """Builds, checks and publishes these dates. Yields what the run's assets and checks came to; KefuError where one failed."""
    started = monotonic()
    with building(home, dates, reporting(context)) as arguments:
        os.environ.update(dbt_environment(home))  # which dbt's process inherits
        # Without the context dbt builds the whole project, whatever the run selects: tables of two states would not fit together.
        invocation = dbt.cli(
            arguments, manifest=project, dagster_dbt_translator=translator, target_path=home.dbt, raise_on_error=False
        )
        events = [event for raw in invocation.stream_raw_events() for event in _events(raw, context, project)]
        last_run = LastRun(home)
        with home.connect() as connection:
            yield from _with_findings(context, BuildState(home, connection), last_run, events)
            failed = last_run.failure(connection) or str(invocation.get_error() or "")
        if failed:
            raise KefuError(failed)
        built_seconds = monotonic() - started
    with home.connect() as connection:
        _report_other_dates(context, BuildState(home, connection), project)
        metadata: dict[str, Any] = {
            "file": dg.MetadataValue.path(str(home.published.resolve())),
            "rows": dg.MetadataValue.json(figures.row_counts(connection)),
            "build_seconds": round(built_seconds, 1),
            "publish_seconds": round(monotonic() - started - built_seconds, 1),
            **_shown_figures(connection),
        }
    context.log_event(dg.AssetMaterialization(PUBLISHED, metadata=metadata))


def _events(raw: Any, context: dg.AssetExecutionContext, project: dict[str, Any]) -> Iterator[Any]:
    """What a line of dbt's output says of the assets and checks of this run; progress goes to its log."""
    if raw.raw_event["info"]["name"] in ("LogModelResult", "LogSeedResult", "LogTestResult"):
        context.log.info(str(raw))
    for event in raw.to_default_asset_events(manifest=project, dagster_dbt_translator=translator, context=context):
        is_selected = isinstance(event, dg.Output) and event.output_name in context.op_execution_context.selected_output_names
        if is_selected or isinstance(event, dg.AssetCheckResult):
            yield event


def _with_findings(
    context: dg.AssetExecutionContext, state: BuildState, last_run: LastRun, events: Sequence[Any]
) -> Iterator[Any]:
    """The events, with the rows that failing checks found, the row counts of marts and the metrics' values."""
    connection, held = state.connection, state.held_dates()
    checks = {check.unique_id: check for check in last_run.findings()}
    total = figures.row_counts(connection)
    built = figures.built_row_counts(connection, {mart: dates for mart, dates in last_run.dated_marts().items() if mart in total})
    for event in events:
        unique_id = str(event.metadata["unique_id"].value)
        name = unique_id.rpartition(".")[2]
        metadata = dict(event.metadata)
        if isinstance(event, dg.Output):
            if name in total:
                metadata["dagster/row_count"] = dg.MetadataValue.int(total[name])
            if name in built:
                metadata["rows_of_dates_built"] = dg.MetadataValue.int(built[name])
            if unique_id == METRICS:
                metadata.update(_shown_figures(connection))
            yield dg.Output(None, output_name=event.output_name, metadata=metadata)
        else:
            check = checks.get(unique_id)
            if check:
                metadata["rows"] = dg.MetadataValue.json(example_rows(connection, check))
            found_on = state.dates_found(check) if check else []
            held_on = [day.business_date for day in held if day.check_name == event.check_name]
            event = event._replace(metadata=metadata)
            _report_partitions(context, event, {*held_on, *(day for _, day in found_on)})
            yield event


def _shown_figures(connection: duckdb.DuckDBPyConnection) -> dict[str, dg.MetadataValue[Any]]:
    values = figures.metric_values(connection)
    if not values:
        return {}
    records = [dg.TableRecord({name: "" if value is None else value for name, value in row.items()}) for row in values]
    return {
        "metrics": dg.MetadataValue.table(records),
        "response_rate": dg.MetadataValue.md(figures.response_rate_plot(connection)),
    }


def _report_partitions(context: dg.AssetExecutionContext, result: dg.AssetCheckResult, found_on: Set[date]) -> None:
    """Tells Dagster of each partition, failed where the rows are: it records a result of a run over several of them once."""
    assert result.asset_key and result.check_name
    spec = context.assets_def.get_spec_for_check_key(dg.AssetCheckKey(result.asset_key, result.check_name))
    if context.has_partition_key or not isinstance(spec.partitions_def, dg.TimeWindowPartitionsDefinition):
        return
    for key in context.partition_keys:
        window = spec.partitions_def.time_window_for_partition_key(key)
        is_found = any(window.start.date() <= day < window.end.date() for day in found_on)
        is_passed = not is_found and (result.passed or bool(found_on))  # rows without a date are every partition's
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=result.asset_key,
                check_name=result.check_name,
                passed=is_passed,
                severity=result.severity,
                metadata={} if is_passed else result.metadata,
                partition=key,
            )
        )


def _report_other_dates(context: dg.AssetExecutionContext, state: BuildState, project: dict[str, Any]) -> None:
    """Tells Dagster of the dates that are rebuilt besides the run's daily partitions."""
    asked = set(context.partition_keys)
    others = {str(day) for days in state.dates_built().values() for day in days} - asked
    keys = dated_keys(project)
    for day in sorted(others & set(daily.get_partition_keys())):
        for key in keys:
            context.instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=key, partition=day))


def reporting(context: dg.AssetExecutionContext) -> Report:
    """Reports to the run's log, and to its output, which whoever started it sees."""

    def report(line: str) -> None:
        context.log.info(line)
        print(line, flush=True)

    return report
