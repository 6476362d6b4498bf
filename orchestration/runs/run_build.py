"""A whole build within a Dagster run, and what Dagster shows of it: progress, rows, failing rows, figures, a picture."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from datetime import date
from graphlib import TopologicalSorter
from time import monotonic
from typing import Any

import dagster as dg

from orchestration.build.checks import LastRun, example_rows
from orchestration.build.dbt import run_dbt
from orchestration.build.state import BuildState, Dates, of_check, opened
from orchestration.build.steps import Report, building, raise_unreadable
from orchestration.errors import KefuError
from orchestration.home import Home
from orchestration.language import localized
from orchestration.runs import figures
from orchestration.runs.figures import Span
from orchestration.runs.partitions import dates_of
from orchestration.runs.record import record_builds, record_checks
from orchestration.runs.shown import Shown
from orchestration.runs.translator import Partitioned

Context = dg.AssetExecutionContext | dg.OpExecutionContext
PUBLISHED = dg.AssetKey("published_marts")
UNIQUE_ID = "dagster_dbt/unique_id"  # the metadata that names what an asset or a check is in dbt
CAUSE = "kefu/cause"  # the tag by which the list of runs says why one failed, or did nothing


@contextmanager
def cause_first(context: Context) -> Iterator[None]:
    """Lets a run that fails say why in the first line of its error, and in the list of runs: Dagster says it last."""
    try:
        yield
    except KefuError as error:
        tell_cause(context, str(error))
        raise dg.Failure(localized(str(error))) from None


def tell_cause(context: Context, cause: str) -> None:
    context.instance.add_run_tags(context.run_id, {CAUSE: localized(cause)[:200]})


def build_whole(context: dg.AssetExecutionContext, home: Home, told: Partitioned, dates: Dates) -> Iterator[Any]:
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
        with opened(home) as state:
            yield from _results(context, state, LastRun(home))
        if failure:
            raise failure
        built_seconds = monotonic() - started
    known = {(key, partition) for key in context.selected_asset_keys for partition in context.partition_keys}
    with opened(home) as state:
        connection = state.connection
        record_builds(context.instance, state, told, run=context.run, known=known)
        newest = figures.newest_day(connection)
        metadata: dict[str, Any] = {
            "file": dg.MetadataValue.path(str(home.published.resolve())),
            "rows": dg.MetadataValue.json(figures.row_counts(connection)),
            "build_seconds": round(built_seconds, 1),
            "publish_seconds": round(monotonic() - started - built_seconds, 1),
        }
        if newest:
            metadata.update(Shown(connection, LastRun(home), {str(newest): (newest, newest)}).of_day(newest))
    context.log_event(dg.AssetMaterialization(PUBLISHED, metadata=metadata))
    raise_unreadable(home)


def _results(context: dg.AssetExecutionContext, state: BuildState, last_run: LastRun) -> Iterator[Any]:
    """What dbt made of the run's assets and checks: the rows that failing checks found, row counts, each partition's figures."""
    if not last_run.results:  # dbt did not get as far
        return
    connection = state.connection
    total = figures.row_counts(connection)
    shown = Shown(connection, last_run, _spans(context))
    specs = {spec.key: spec for spec in context.assets_def.specs}
    order = TopologicalSorter({key: [dep.asset_key for dep in spec.deps] for key, spec in specs.items()}).static_order()
    yield from _checked(context, state, last_run)
    results = {result["unique_id"]: result for result in last_run.results}
    is_whole = all(result["status"] in ("success", "pass", "warn") for result in last_run.results)
    for key in (key for key in order if key in context.selected_asset_keys):  # as Dagster wants them
        result = results.get(specs[key].metadata[UNIQUE_ID])  # none of what stands as it is; what a view shows is new
        if result["status"] == "success" if result else is_whole:
            for partition in context.partition_keys:
                if metadata := shown.of(key, partition):
                    context.add_asset_metadata(metadata, key, partition)
            metadata = {"Execution Duration": result["execution_time"]} if result else {}
            if key.path[0] == "marts":
                metadata["dagster/row_count"] = dg.MetadataValue.int(total[key.path[-1]])
            yield dg.MaterializeResult(key, metadata=metadata)


def _spans(context: dg.AssetExecutionContext) -> dict[str, Span]:
    """The run's partitions with their first and last day."""
    windows = {key: context.assets_def.partitions_def.time_window_for_partition_key(key) for key in context.partition_keys}
    return {key: _span(window) for key, window in windows.items()}


def _span(window: dg.TimeWindow) -> Span:
    dates = dates_of(window, with_touched=False)
    assert dates.first and dates.last
    return dates.first, dates.last


def _checked(context: dg.AssetExecutionContext, state: BuildState, last_run: LastRun) -> Iterator[dg.AssetCheckResult]:
    """The results of the run's checks. What they came to on single partitions is recorded before: those that found rows last.

    Of a run over several partitions Dagster itself records one result. In the run's own log, from which alerts are made, stand
    the partitions on whose dates rows were found.
    """
    held, found = state.held_dates(), {check.unique_id: check for check in last_run.findings()}
    specs = {spec.metadata[UNIQUE_ID]: spec for spec in context.assets_def.check_specs}
    others: list[dg.AssetCheckEvaluation] = []
    dated: list[dg.AssetCheckEvaluation] = []
    results = []
    for result in last_run.results:
        spec = specs.get(result["unique_id"])
        if spec is None or spec.key not in context.selected_asset_check_keys or result["status"] == "skipped":
            continue
        check = found.get(result["unique_id"])
        metadata: dict[str, Any] = {"Execution Duration": result["execution_time"]}
        if check:
            metadata["rows"] = dg.MetadataValue.json(example_rows(state.connection, check))
        found_on = {day for _, day in state.dates_found(check)} if check else set()
        found_on |= {day.business_date for day in held if day.cause == of_check(spec.name)}
        checked = dg.AssetCheckResult(
            passed=result["status"] == "pass",
            asset_key=spec.asset_key,
            check_name=spec.name,
            severity=dg.AssetCheckSeverity.WARN if result["status"] == "warn" else dg.AssetCheckSeverity.ERROR,
            metadata=metadata,
        )
        results.append(checked)
        for evaluation in _by_partition(context, state, spec, checked, found_on):
            (dated if found_on and not evaluation.passed else others).append(evaluation)
    record_checks(context.instance, others, context.run)
    for evaluation in dated:
        context.log_event(evaluation)
    yield from sorted(results, key=lambda checked: not checked.passed)


def _by_partition(
    context: dg.AssetExecutionContext,
    state: BuildState,
    spec: dg.AssetCheckSpec,
    result: dg.AssetCheckResult,
    found_on: Set[date],
) -> Iterator[dg.AssetCheckEvaluation]:
    """A check's result on each partition that was built, failed where the rows are; but for the only one of a run."""
    partitions = spec.partitions_def
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return
    keys = set(context.partition_keys)
    if isinstance(partitions, dg.DailyPartitionsDefinition):
        keys |= {str(day) for days in state.dates_built().values() for day in days}
    if context.has_partition_key:
        keys.remove(context.partition_key)
    for key in sorted(keys):
        first, last = _span(partitions.time_window_for_partition_key(key))
        is_found = any(first <= day <= last for day in found_on)
        is_passed = not is_found and (result.passed or bool(found_on))  # rows without a date are every partition's
        yield dg.AssetCheckEvaluation(
            asset_key=spec.asset_key,
            check_name=spec.name,
            passed=is_passed,
            severity=result.severity,
            metadata={} if is_passed else result.metadata,
            partition=key,
        )


def reporting(context: Context) -> Report:
    """Reports to the run's log, and to its output, which whoever started it sees."""

    def report(line: str) -> None:
        said = localized(line)
        context.log.info(said)
        print(said, flush=True)

    return report
