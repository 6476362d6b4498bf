"""Landing, models and publishing as Dagster assets, partitioned by day and by month. What they do stands in steps.py."""

import json
from collections.abc import Iterator, Set
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.build.dbt import manifest_path
from orchestration.build.months import close_months, guard_months
from orchestration.build.steps import land_deliveries
from orchestration.home import Home, one_writer
from orchestration.landing.contract import platforms
from orchestration.runs.partitions import daily, dates_of, monthly
from orchestration.runs.run_build import PUBLISHED, build_whole, reporting
from orchestration.runs.translator import MONTHLY, told_by_partition, translator

POOL = "warehouse"  # one slot: DuckDB takes one writer
PATIENCE_SECONDS = 3600.0  # for which a step waits for a build that was started otherwise
in_one_run = dg.BackfillPolicy.single_run()


class BuildConfig(dg.Config):
    """The setting with_touched builds the dates that deliveries touched, besides those of the partitions."""

    with_touched: bool = False


def landed_specs(project: dict[str, Any]) -> list[dg.AssetSpec]:
    """An asset per landed table, as which the models know it."""
    return [
        dg.AssetSpec(
            key=translator.get_asset_key(source), description=source["description"], group_name="landing", partitions_def=daily
        )
        for source in project["sources"].values()
        if source["source_name"] in platforms()
    ]


def lineage_specs(project: dict[str, Any], told: Set[str]) -> list[dg.AssetSpec]:
    """What lies between and belongs to no date: there in the lineage, without partitions that each run would have to record."""
    nodes = [key for key, node in project["nodes"].items() if node["resource_type"] == "model" and key not in told]
    sources = [source for source in project["sources"].values() if source["source_name"] not in platforms()]
    return [translator.get_asset_spec(project, key, None) for key in nodes] + [
        dg.AssetSpec(key=translator.get_asset_key(source), description=source["description"], group_name="pipeline")
        for source in sources
    ]


def build_assets(home: Home, landing: Path) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets of one home, from one landing folder."""
    manifest = manifest_path(home)
    project: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    told = told_by_partition(project)

    @dg.multi_asset(name="landing", specs=landed_specs(project), backfill_policy=in_one_run, pool=POOL)
    def landed_tables(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        """Lands every new or changed delivery, whatever the partitions of the run."""
        with one_writer(home, wait_seconds=PATIENCE_SECONDS):
            landed = land_deliveries(home, landing, again=False, report=reporting(context))
        rows = {dg.AssetKey([result.table.platform, result.table.name]): result for result in landed}
        for key in context.selected_asset_keys:
            result = rows.get(key)
            metadata = {"rows": result.rows, "rejected": result.rejected, "deliveries": result.deliveries} if result else {}
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    @dbt_assets(
        manifest=manifest,
        name="models",
        select=" ".join(sorted(f"path:{project['nodes'][key]['original_file_path']}" for key in told)),
        exclude=f"tag:{MONTHLY}",
        partitions_def=daily,
        backfill_policy=in_one_run,
        dagster_dbt_translator=translator,
        pool=POOL,
    )
    def models(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
        """Builds, checks and publishes the business dates of the run, whichever models are selected: a state is whole."""
        dates = dates_of(context.partition_time_window, with_touched=config.with_touched)
        with one_writer(home, wait_seconds=PATIENCE_SECONDS):
            yield from build_whole(context, home, project, dates)

    @dbt_assets(
        manifest=manifest,
        name="months",
        select=f"tag:{MONTHLY}",
        partitions_def=monthly,
        backfill_policy=in_one_run,
        dagster_dbt_translator=translator,
        pool=POOL,
    )
    def months(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Closes months: builds every day of them once more, all of which have to have landed and passed their checks."""
        closed = [date.fromisoformat(key) for key in context.partition_keys]
        dates = dates_of(context.partition_time_window, with_touched=False)
        with one_writer(home, wait_seconds=PATIENCE_SECONDS):
            guard_months(home, closed)
            yield from build_whole(context, home, project, dates)
            close_months(home, closed)

    marts = [spec.key for assets in (models, months) for spec in assets.specs if spec.key.path[0] == "marts"]
    published = dg.AssetSpec(
        PUBLISHED,
        deps=marts,
        group_name="publishing",
        description="HOME/kefu.duckdb (看板读取的数据库), swapped in whole by every run whose checks have passed.",
    )
    return [landed_tables, models, months, published, *lineage_specs(project, told)]
