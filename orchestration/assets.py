"""Landing, models and publishing as daily-partitioned Dagster assets. What they do stands in pipeline.py."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from orchestration import pipeline
from orchestration.home import PROJECT, Home, one_writer
from orchestration.state import Dates
from orchestration.warehouse import dbt_environment, manifest_path

POOL = "warehouse"  # one slot: DuckDB takes one writer
PATIENCE_SECONDS = 3600.0  # for which a step waits for a build that was started otherwise

# The running day is a partition too, for what is computed in real time.
daily = dg.DailyPartitionsDefinition(start_date="2019-01-01", timezone="Asia/Shanghai", end_offset=1)
in_one_run = dg.BackfillPolicy.single_run()


class Translator(DagsterDbtTranslator):
    """Groups models as their folders do."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return "_".join(dbt_resource_props["fqn"][1:-1]) or dbt_resource_props["resource_type"]


translator = Translator(settings=DagsterDbtTranslatorSettings(enable_asset_checks=True))


class BuildConfig(dg.Config):
    """with_touched: build the dates that deliveries touched, besides those of the partitions."""

    with_touched: bool = False


def partition_dates(window: dg.TimeWindow, *, with_touched: bool) -> Dates:
    """The business dates of a run's partitions; a window ends where the next day begins."""
    return Dates(window.start.date(), (window.end - timedelta(days=1)).date(), with_touched=with_touched)


def source_specs(project: dict[str, Any]) -> list[dg.AssetSpec]:
    """An asset per dbt source, as which the models know what landing writes."""
    return [
        dg.AssetSpec(
            key=translator.get_asset_key(source), description=source["description"], group_name="landing", partitions_def=daily
        )
        for source in project["sources"].values()
    ]


def dated_keys(project: dict[str, Any]) -> list[dg.AssetKey]:
    """The models whose business dates are rebuilt one by one."""
    return [
        translator.get_asset_key(node)
        for node in project["nodes"].values()
        if node["config"].get("incremental_strategy") == "rebuild_dates"
    ]


def build_assets(home: Home, landing: Path) -> list[dg.AssetsDefinition]:
    """The assets of one home, from one landing folder."""
    manifest = manifest_path(home)
    project: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))

    @dg.multi_asset(name="landing", specs=source_specs(project), backfill_policy=in_one_run, pool=POOL)
    def landed_tables(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        """Lands every new or changed delivery, whatever the partitions of the run."""
        with one_writer(home, wait_seconds=PATIENCE_SECONDS):
            landed = pipeline.land_deliveries(home, landing, again=False, report=_reporting(context))
        rows = {dg.AssetKey([result.table.platform, result.table.name]): result for result in landed}
        for key in context.selected_asset_keys:
            result = rows.get(key)
            metadata = {"rows": result.rows, "rejected": result.rejected, "deliveries": result.deliveries} if result else {}
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    @dbt_assets(
        manifest=manifest,
        name="models",
        partitions_def=daily,
        backfill_policy=in_one_run,
        dagster_dbt_translator=translator,
        pool=POOL,
    )
    def models(context: dg.AssetExecutionContext, dbt: DbtCliResource, config: BuildConfig) -> Iterator[Any]:
        """Builds and checks the models for the business dates of the run."""
        dates = partition_dates(context.partition_time_window, with_touched=config.with_touched)
        with one_writer(home, wait_seconds=PATIENCE_SECONDS):
            arguments = pipeline.request_build(home, dates, full_refresh=False)
            yield from dbt.cli(arguments, context=context, target_path=home.dbt).stream()
            if not context.is_subset:  # some of the models alone are no whole state
                pipeline.mark_checked(home)

    marts = [spec for spec in models.specs if spec.key.path[0] == "marts"]

    @dg.asset(deps=marts, partitions_def=daily, backfill_policy=in_one_run, group_name="publishing", pool=POOL)
    def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """HOME/kefu.duckdb, swapped in whole once every check has passed."""
        with one_writer(home, wait_seconds=PATIENCE_SECONDS):
            built = pipeline.publish_build(home, _reporting(context))
        _report_touched(context, built, project)
        return dg.MaterializeResult(metadata={"file": dg.MetadataValue.path(str(built.version))})

    return [landed_tables, models, published_marts]


def _reporting(context: dg.AssetExecutionContext) -> pipeline.Report:
    """To the run's log, and to its output, which whoever started it sees."""

    def report(line: str) -> None:
        context.log.info(line)
        print(line, flush=True)

    return report


def _report_touched(context: dg.AssetExecutionContext, built: pipeline.Built, project: dict[str, Any]) -> None:
    """Dates that deliveries touched are rebuilt besides the run's partitions: Dagster is told of them too."""
    asked = set(context.partition_keys)
    touched = {str(day) for days in built.dates.values() for day in days} - asked
    for day in sorted(touched & set(daily.get_partition_keys())):
        for key in dated_keys(project):
            context.instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=key, partition=day))


def dbt_resource(home: Home) -> DbtCliResource:
    os.environ.update(dbt_environment(home))
    return DbtCliResource(
        project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=str(Path(sys.executable).with_name("dbt"))
    )
