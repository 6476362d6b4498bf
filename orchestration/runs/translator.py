"""How dbt's models and tests are called and grouped as Dagster's assets and checks."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from orchestration.runs.partitions import daily, monthly

MONTHLY = "monthly"  # the dbt tag of what is by month


class Translator(DagsterDbtTranslator):
    """Groups models as their folders do; a check of a model is one of the partition that is built."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return "_".join(dbt_resource_props["fqn"][1:-1]) or dbt_resource_props["resource_type"]

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Lets what is by day not wait for what is by month: a build of days builds the months so far as well."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if MONTHLY in spec.tags:
            return spec
        of_months = {self.get_asset_key(node) for node in manifest["nodes"].values() if MONTHLY in node["tags"]}
        return spec.replace_attributes(deps=[dep for dep in spec.deps if dep.asset_key not in of_months])

    def get_asset_check_spec(self, asset_spec: dg.AssetSpec, *arguments: Any, **named: Any) -> dg.AssetCheckSpec | None:
        spec = super().get_asset_check_spec(asset_spec, *arguments, **named)
        if spec is None or asset_spec.group_name == "seed":
            return spec
        return spec._replace(partitions_def=monthly if MONTHLY in asset_spec.tags else daily)


translator = Translator(settings=DagsterDbtTranslatorSettings(enable_asset_checks=True))


def told_by_partition(project: dict[str, Any]) -> set[str]:
    """The ids of what runs tell of by partition: seeds, marts, models that are rebuilt by date, whatever has checks."""
    checked = {node.get("attached_node") for node in project["nodes"].values()}
    models = {key: node for key, node in project["nodes"].items() if node["resource_type"] == "model"}
    return {key for key, node in project["nodes"].items() if node["resource_type"] == "seed"} | {
        key
        for key, node in models.items()
        if node["schema"] == "marts" or node["config"].get("incremental_strategy") == "rebuild_dates" or key in checked
    }


def dated_keys(project: dict[str, Any]) -> list[dg.AssetKey]:
    """The models whose business dates are rebuilt one by one, and the marts that show them."""
    nodes = {key: node for key, node in project["nodes"].items() if node["resource_type"] == "model"}
    rebuilt = {key for key, node in nodes.items() if node["config"].get("incremental_strategy") == "rebuild_dates"}
    shown = {key for key, node in nodes.items() if node["schema"] == "marts" and rebuilt & set(node["depends_on"]["nodes"])}
    return [translator.get_asset_key(nodes[key]) for key in sorted(rebuilt | shown)]
