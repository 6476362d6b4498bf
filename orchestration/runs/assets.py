"""Landing, models and publishing as Dagster assets, partitioned by day and by month. What they do stands in steps.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from orchestration.build.months import close_months, guard_months
from orchestration.build.steps import is_anything_of, land_deliveries, raise_unreadable
from orchestration.home import Home, one_writer
from orchestration.landing.contract import platforms
from orchestration.language import localized
from orchestration.runs.partitions import Calendar, dates_of
from orchestration.runs.run_build import PUBLISHED, build_whole, cause_first, reporting, tell_cause
from orchestration.runs.translator import EXPORTS, KEFU, MONTHLY, Translator, partitioned, told_by_partition

POOL = "warehouse"  # one slot: DuckDB takes one writer
PATIENCE_SECONDS = 3600.0  # for which a step waits for a build that was started otherwise
PUBLISHED_WITHIN = timedelta(hours=30)  # of the last time: a night and its delays
in_one_run = dg.BackfillPolicy.single_run()


class BuildConfig(dg.Config):
    """The setting with_touched builds the dates that deliveries touched, besides those of the partitions."""

    with_touched: bool = False


def landed_specs(project: dict[str, Any], calendar: Calendar) -> list[dg.AssetSpec]:
    """An asset per landed table, as which the models know it. Every run of days lands first, whatever it selects."""
    key_of = DagsterDbtTranslator().get_asset_key
    return [
        dg.AssetSpec(
            key=key_of(source),
            description=source["description"],
            group_name="landing",
            partitions_def=calendar.daily,
            owners=[EXPORTS],
            kinds={"file"},
            metadata={"dagster/column_schema": _column_schema(source)},
        )
        for source in project["sources"].values()
        if source["source_name"] in platforms()
    ]


def _column_schema(source: dict[str, Any]) -> dg.TableSchema:
    """The columns as the landing contract has them."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                name=column["name"],
                type=column["data_type"],
                description=column["description"],
                constraints=dg.TableColumnConstraints(nullable=not column["config"]["meta"].get("required", False)),
            )
            for column in source["columns"].values()
        ]
    )


def lineage_specs(project: dict[str, Any], translator: Translator) -> list[dg.AssetSpec]:
    """What lies between and belongs to no date: there in the lineage, without partitions that each run would have to record.

    Models of moments are none of Dagster's: no run makes them.
    """
    told = told_by_partition(project)
    models = {key: node for key, node in project["nodes"].items() if node["resource_type"] == "model"}
    nodes = [key for key, node in models.items() if key not in told and node["fqn"][1] != "live"]
    sources = [source for source in project["sources"].values() if source["source_name"] not in platforms()]
    return [translator.get_asset_spec(project, key, None) for key in nodes] + [
        dg.AssetSpec(
            key=translator.get_asset_key(source),
            description=source["description"],
            group_name="pipeline",
            owners=[KEFU],
            kinds={"duckdb"},
        )
        for source in sources
    ]


def build_assets(
    home: Home, landing: Path, calendar: Calendar, project: dict[str, Any]
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets of one home, from one landing folder."""
    translator, told = Translator(calendar), partitioned(project)
    # Not by their paths: for each one dbt would walk the project's folders, for seconds at every start of a run.
    models_told = [node for node in map(project["nodes"].get, told_by_partition(project)) if node["resource_type"] == "model"]
    names = " ".join(["resource_type:seed", *sorted(f"fqn:{'.'.join(node['fqn'])}" for node in models_told)])

    @contextmanager
    def alone(context: dg.AssetExecutionContext) -> Iterator[None]:
        """Waits for other builds, keeps them out, and has a failure say why."""
        with cause_first(context), one_writer(home, wait_seconds=PATIENCE_SECONDS):
            yield

    @dbt_assets(
        manifest=project,
        name="models",
        select=names,
        exclude=f"tag:{MONTHLY}",
        partitions_def=calendar.daily,
        backfill_policy=in_one_run,
        dagster_dbt_translator=translator,
        pool=POOL,
    )
    def models(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
        """Lands what is new; builds, checks and publishes the run's dates, whichever models are selected: a state is whole."""
        dates = dates_of(context.partition_time_window, with_touched=config.with_touched)
        with alone(context):
            land_deliveries(home, landing, again=False, report=reporting(context))
            if is_anything_of(home, dates):
                yield from build_whole(context, home, told, dates)
            else:
                nothing = f"nothing to build: nothing has landed of {dates}, nor since the last build"
                context.log.warning(localized(nothing))
                tell_cause(context, nothing)
                raise_unreadable(home)

    @dbt_assets(
        manifest=project,
        name="months",
        select=f"tag:{MONTHLY}",
        partitions_def=calendar.monthly,
        backfill_policy=in_one_run,
        dagster_dbt_translator=translator,
        pool=POOL,
    )
    def months(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Closes months: builds every day of them once more, all of which have to have landed and passed their checks."""
        closed = [date.fromisoformat(key) for key in context.partition_keys]
        dates = dates_of(context.partition_time_window, with_touched=False)
        with alone(context):
            guard_months(home, closed)
            yield from build_whole(context, home, told, dates)
            close_months(home, closed)

    marts = [spec.key for assets in (models, months) for spec in assets.specs if spec.key.path[0] == "marts"]
    published = dg.AssetSpec(
        PUBLISHED,
        deps=marts,
        group_name="publishing",
        owners=[KEFU],
        kinds={"duckdb"},
        freshness_policy=None if calendar.last else dg.FreshnessPolicy.time_window(fail_window=PUBLISHED_WITHIN),
        description="HOME/kefu.duckdb (看板读取的数据库), swapped in whole by every run whose checks have passed.",
    )
    return [models, months, published, *landed_specs(project, calendar), *lineage_specs(project, translator)]
