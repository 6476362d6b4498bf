"""How dbt's models and tests are called, grouped and described as Dagster's assets and checks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from orchestration.landing.contract import platforms
from orchestration.runs.partitions import Calendar

EXPORTS, KEFU = "team:exports", "team:kefu"  # who mends what has landed, and what is made of it
MONTHLY = "monthly"  # the dbt tag of what is by month
# What a finding of a check means, by the check's severity.
TO_DO = {
    "error": "A finding stops publishing: readers keep the last good figures of the days it is about, and all other days are "
    "published by the next run. To do: open the failed result, whose `rows` are what was found; have the day delivered anew, or "
    "mend what is wrong and materialize the day.",
    "warn": "A finding is a warning and stops nothing. To do: open the result, whose `rows` are what was found.",
}


class Translator(DagsterDbtTranslator):
    """Groups models as their folders do; a check of a model is one of the partition that is built."""

    def __init__(self, calendar: Calendar) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True))
        self.calendar = calendar

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return "_".join(dbt_resource_props["fqn"][1:-1]) or dbt_resource_props["resource_type"]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return [KEFU]

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Lets what is by day not wait for what is by month: a build of days builds the months so far as well."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if MONTHLY in spec.tags:
            return spec
        of_months = {self.get_asset_key(node) for node in manifest["nodes"].values() if MONTHLY in node["tags"]}
        return spec.replace_attributes(deps=[dep for dep in spec.deps if dep.asset_key not in of_months])

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        spec = spec._replace(description=check_description(manifest["nodes"][unique_id]))
        if asset_spec.group_name == "seed":
            return spec
        return spec._replace(partitions_def=self.calendar.monthly if MONTHLY in asset_spec.tags else self.calendar.daily)


def check_description(test: Mapping[str, Any]) -> str:
    """What a dbt test looks at, by its description, the comment it begins with or its kind; and what a finding means."""
    comment = re.match(r"(?:\s*--[^\n]*\n)+", test["raw_code"])
    arguments = test.get("test_metadata", {}).get("kwargs", {})
    if test["description"]:
        says = test["description"]
    elif comment:
        says = " ".join(line.strip().removeprefix("--").strip() for line in comment[0].splitlines())
    elif "values" in arguments:
        says = f"{arguments['column_name']} is one of {', '.join(map(str, arguments['values']))}."
    else:
        says = "Every row is one that can be meant; what is wrong with one stands in its column `problem`."
    return f"{says} {TO_DO[test['config']['severity'].lower()]}"


@dataclass(frozen=True)
class Partitioned:
    """The assets of which runs tell by day and by month."""

    daily: tuple[dg.AssetKey, ...]
    monthly: tuple[dg.AssetKey, ...]


def partitioned(project: dict[str, Any]) -> Partitioned:
    """Landed tables, seeds, and models but for those that only lie in between; the monthly ones apart."""
    key_of = DagsterDbtTranslator().get_asset_key
    landed = [source for source in project["sources"].values() if source["source_name"] in platforms()]
    told = [project["nodes"][key] for key in sorted(told_by_partition(project))]
    return Partitioned(
        daily=tuple(key_of(node) for node in [*landed, *told] if MONTHLY not in node["tags"]),
        monthly=tuple(key_of(node) for node in told if MONTHLY in node["tags"]),
    )


def told_by_partition(project: dict[str, Any]) -> set[str]:
    """The ids of what runs tell of by partition: seeds, marts, models that are rebuilt by date, whatever has checks."""
    checked = {node.get("attached_node") for node in project["nodes"].values()}
    models = {key: node for key, node in project["nodes"].items() if node["resource_type"] == "model"}
    return {key for key, node in project["nodes"].items() if node["resource_type"] == "seed"} | {
        key
        for key, node in models.items()
        if node["schema"] == "marts" or node["config"].get("incremental_strategy") == "rebuild_dates" or key in checked
    }
