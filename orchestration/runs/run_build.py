"""A whole build within a Dagster run, and what Dagster shows of it: progress, rows, failing rows, figures, a picture."""

from collections.abc import Iterator, Set
from datetime import date
from time import monotonic
from typing import Any

import dagster as dg
import duckdb

from orchestration.build.checks import LastRun, example_rows
from orchestration.build.dbt import run_dbt
from orchestration.build.state import BuildState, Dates, of_check
from orchestration.build.steps import Report, building, raise_unreadable
from orchestration.errors import KefuError
from orchestration.home import Home
from orchestration.runs import figures
from orchestration.runs.partitions import daily
from orchestration.runs.translator import dated_keys

PUBLISHED = dg.AssetKey("published_marts")
METRICS = "model.kefu.service_metrics"  # the model beside which the figures are shown
UNIQUE_ID = "dagster_dbt/unique_id"  # the metadata that names what an asset or a check is in dbt


def build_whole(context: dg.AssetExecutionContext, home: Home, project: dict[str, Any], dates: Dates) -> Iterator[Any]:
    """Builds, checks and publishes these dates. Yields what the run's assets and checks came to; KefuError where one failed.

    Whatever the run selects, the whole project is built: tables of two states would not fit together.
    """
    started, report = monotonic(), reporting(context)
    with building(home, dates, report) as arguments:
        failure = None
        try:
            run_dbt(home, arguments, report)
        except KefuError as error:
            failure = error
        with home.connect() as connection:
            yield from _results(context, BuildState(home, connection), LastRun(home))
        if failure:
            raise failure
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
    raise_unreadable(home)


def _results(context: dg.AssetExecutionContext, state: BuildState, last_run: LastRun) -> Iterator[Any]:
    """What dbt made of the run's assets and checks: the rows that failing checks found, row counts, the metrics' values."""
    if not last_run.results:  # dbt did not get as far
        return
    connection, held = state.connection, state.held_dates()
    found = {check.unique_id: check for check in last_run.findings()}
    total = figures.row_counts(connection)
    built = figures.built_row_counts(connection, {mart: dates for mart, dates in last_run.dated_marts().items() if mart in total})
    assets = {spec.metadata[UNIQUE_ID]: spec.key for spec in context.assets_def.specs if spec.key in context.selected_asset_keys}
    checks = {spec.metadata[UNIQUE_ID]: spec for spec in context.assets_def.check_specs}
    for result in last_run.results:
        unique_id, status = result["unique_id"], result["status"]
        name = unique_id.rpartition(".")[2]
        metadata: dict[str, Any] = {"Execution Duration": result["execution_time"]}
        if unique_id in assets and status == "success":
            if name in total:
                metadata["dagster/row_count"] = dg.MetadataValue.int(total[name])
            if name in built:
                metadata["rows_of_dates_built"] = dg.MetadataValue.int(built[name])
            if unique_id == METRICS:
                metadata.update(_shown_figures(connection))
            yield dg.MaterializeResult(assets[unique_id], metadata=metadata)
        elif unique_id in checks and checks[unique_id].key in context.selected_asset_check_keys and status != "skipped":
            check, spec = found.get(unique_id), checks[unique_id]
            if check:
                metadata["rows"] = dg.MetadataValue.json(example_rows(connection, check))
            found_on = state.dates_found(check) if check else []
            held_on = [day.business_date for day in held if day.cause == of_check(spec.name)]
            severity = dg.AssetCheckSeverity.WARN if status == "warn" else dg.AssetCheckSeverity.ERROR
            checked = dg.AssetCheckResult(
                passed=status == "pass", asset_key=spec.asset_key, check_name=spec.name, severity=severity, metadata=metadata
            )
            _report_partitions(context, checked, {*held_on, *(day for _, day in found_on)})
            yield checked


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
