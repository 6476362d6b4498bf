"""The plan of the house holds: where data flows, what a model looks like, that it is described, that a platform is one list."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from harness import FIXTURES, warehouse

from orchestration.home import PROJECT

LAYERS = ["sources", "rules", "items", "build", "judged", "metrics", "marts", "live"]  # in the order in which data flows
DESCRIBED = LAYERS[1:-2]  # marts and live have contracts
MAX_LINES = 90
MAY_BE_LONGER = {"int_rounds"}  # the one algorithm, which reads better whole
PLATFORMS: list[str] = yaml.safe_load((PROJECT / "vars.yml").read_text(encoding="utf-8"))["vars"]["kefu"]["platforms"]

# Common files that name a platform, and why they may.
MAY_NAME_PLATFORMS = {
    "models/items/int_shops.sql": "Taobao alone tells of its shops, and has two marketplaces",
    "models/items/int_accounts.sql": "Taobao alone tells of its accounts",
    "models/judged/int_all_rounds.sql": "Xiaohongshu judges sessions and not rounds",
    "models/metrics/int_reception_responses.sql": "a session of Xiaohongshu has the first of its rounds",
    "models/live/open_rounds.sql": "Xiaohongshu judges sessions and not rounds",
    "models/live/live_named_rounds.sql": "at Xiaohongshu each shop has its own working hours",
    "orchestration/alerts/causes.py": "bands of rejection clicks are a rule of Taobao alone",
}
OF_PLATFORMS = ["explain", "sample"]  # folders of orchestration/ with a part for each platform

PARTS = [
    "items",
    "touched",
    "exclusions",
    "scores",
    "metric_days",
    "rating_days",
]  # models that every platform has, as int_<platform>__<part>
SEEDS = {"rule_clauses": "platform", "rule_parameters": "scope", "exclusion_reasons": "platform", "metrics": "platform"}

# Where a platform that was built shows.
BUILT = ["build.build_dates", "judged.int_judged_rounds", "marts.service_metrics"]

Node = dict[str, Any]


@pytest.fixture(scope="module")
def home(built_homes: dict[str, Path]) -> Path:
    return built_homes["case101"]


@pytest.fixture(scope="module")
def manifest(home: Path) -> Node:
    loaded: Node = json.loads((home / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def models(manifest: Node) -> dict[str, Node]:
    """The models by their unique id."""
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}


@pytest.fixture(scope="module")
def columns(home: Path) -> dict[str, list[str]]:
    """The columns of every table and view of the warehouse, as schema.table."""
    found = warehouse(
        home, "select schema_name || '.' || table_name, list(column_name order by column_index) from duckdb_columns() group by 1"
    )
    return dict(found)


def none_of(problems: list[str], hint: str = "") -> None:
    """Fails with all the problems, each on a line: pytest shortens long lists."""
    assert not problems, "\n".join([hint, *problems])


def layer(node: Node) -> str:
    return str(node["fqn"][1]) if node["resource_type"] == "model" else LAYERS[0]


def parents(node: Node, manifest: Node) -> list[Node]:
    everything = manifest["nodes"] | manifest["sources"]
    return [everything[key] for key in node["depends_on"]["nodes"]]


def without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}", " ", sql, flags=re.DOTALL)


def comments(sql: str) -> str:
    return " ".join(re.findall(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}", sql, flags=re.DOTALL))


def built_columns(node: Node, columns: dict[str, list[str]]) -> list[str]:
    return columns[f"{node['schema']}.{node['alias']}"]


def test_data_flows_one_way(models: dict[str, Node], manifest: Node) -> None:
    assert {layer(node) for node in models.values()} <= set(LAYERS)
    backwards = [
        f"{node['name']} ({layer(node)}) reads {parent['name']} ({layer(parent)})"
        for node in models.values()
        for parent in parents(node, manifest)
        if LAYERS.index(layer(parent)) > LAYERS.index(layer(node))
    ]
    none_of(backwards)


def test_nothing_reads_a_mart_but_tests_and_marts_that_say_so(models: dict[str, Node], manifest: Node) -> None:
    """A mart says so by naming the other one in a comment."""
    reads = [
        f"{node['name']} reads the mart {parent['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] not in ("test", "seed")
        for parent in parents(node, manifest)
        if layer(parent) == "marts"
        and not (
            layer(node) == "marts" and re.search(rf"\b{parent['name']}\b", re.sub(r"\{\{.*?\}\}", "", comments(node["raw_code"])))
        )
    ]
    around_ref = [
        f"{node['name']} reads marts without a ref"
        for node in models.values()
        if re.search(r"\bmarts\.", without_comments(node["raw_code"]))
    ]
    none_of(reads + around_ref)


def test_marts_only_select_rename_and_document(models: dict[str, Node]) -> None:
    works = []
    for node in models.values():
        if layer(node) == "marts":
            sql = re.sub(r"\{[{%].*?[}%]\}", " ", without_comments(node["raw_code"]), flags=re.DOTALL)
            words = re.findall(r"\b(with|join|group\s+by|over|union|case|distinct)\b", sql, flags=re.IGNORECASE)
            if words:
                works.append(f"{node['name']} has {', '.join(words)}")
    none_of(works, "this belongs in metrics or judged")


def test_models_begin_with_what_they_are(models: dict[str, Node]) -> None:
    bare = [
        node["original_file_path"]
        for node in models.values()
        if not node["raw_code"].lstrip().startswith(("--", "{#")) and not (layer(node) == "marts" and node["description"])
    ]
    none_of(bare, "without a comment at the top that says what a row is")


def test_models_fit_one_screen(models: dict[str, Node]) -> None:
    lines = {
        node["name"]: len((PROJECT / node["original_file_path"]).read_text(encoding="utf-8").splitlines())
        for node in models.values()
    }
    long = [f"{name} has {count} lines" for name, count in lines.items() if count > MAX_LINES and name not in MAY_BE_LONGER]
    none_of(long, f"more than {MAX_LINES}")
    assert all(lines[name] > MAX_LINES for name in MAY_BE_LONGER), "it is short now: take it off the list"


def test_models_are_described_column_by_column(models: dict[str, Node], columns: dict[str, list[str]]) -> None:
    wrong = []
    for node in models.values():
        if layer(node) not in DESCRIBED:
            continue
        built = set(built_columns(node, columns))
        described = {name for name, column in node["columns"].items() if column["description"].strip()}
        if not node["description"].strip():
            wrong.append(f"{node['name']} has no description")
        if built - described:
            wrong.append(f"{node['name']} does not describe {', '.join(sorted(built - described))}")
        if set(node["columns"]) - built:
            wrong.append(f"{node['name']} describes what it does not have: {', '.join(sorted(set(node['columns']) - built))}")
    none_of(wrong)


def test_every_mart_has_a_key(models: dict[str, Node], manifest: Node) -> None:
    checks = [node for node in manifest["nodes"].values() if node["name"].endswith("_keys_are_unique")]
    keyed = {parent for check in checks for parent in check["depends_on"]["nodes"]}
    none_of(sorted({key for key, node in models.items() if layer(node) == "marts"} - keyed), "say their key in tests/dbt")
    assert {check["fqn"][1] for check in checks} == {*PLATFORMS, "common"}, "a check is left out with the platform of its folder"


def test_dated_marts_come_after_build_dates(models: dict[str, Node], manifest: Node) -> None:
    """Their data tests look at the rows of build.build_dates, which no ref tells dbt (macros/checks.sql)."""

    def ancestors(key: str) -> Iterator[str]:
        for parent in manifest["parent_map"].get(key, []):
            yield parent
            yield from ancestors(parent)

    dated = {key: node for key, node in models.items() if layer(node) == "marts" and node["config"]["meta"].get("date")}
    assert dated
    late = [node["name"] for key, node in dated.items() if "model.kefu.build_dates" not in ancestors(key)]
    none_of(late, "dated marts without build_dates before them: say `-- depends_on: {{ ref('build_dates') }}`")


def test_a_mart_is_rebuilt_on_the_dates_on_which_what_it_is_made_of_is(models: dict[str, Node], manifest: Node) -> None:
    """Publishing takes all other rows from the version before."""
    strategies = {
        "build.build_dates": "rebuild_dates",
        "metrics.int_changed_metric_days": "rebuild_periods",
        "metrics.int_revised_dates": None,  # of what was published, and what is new
    }

    def tables(key: str) -> Iterator[str]:
        for parent in manifest["parent_map"].get(key, []):
            if parent in models and models[parent]["config"]["materialized"] == "view":
                yield from tables(parent)
            elif parent not in ("model.kefu.build_dates", "model.kefu.int_changed_metric_days"):
                yield parent

    rebuilt = {key: node for key, node in models.items() if "rebuilt" in node["config"]["meta"]}
    assert rebuilt
    none_of(
        [
            f"{node['name']} is made of {parent}, which is not rebuilt on {node['config']['meta']['rebuilt']}"
            for key, node in rebuilt.items()
            for parent in tables(key)
            if manifest["nodes"].get(parent, {"config": {}})["config"].get("incremental_strategy")
            != strategies[node["config"]["meta"]["rebuilt"]]
        ]
    )


def test_what_reads_from_the_first_item_on_finds_which_it_is(models: dict[str, Node], manifest: Node) -> None:
    """Without a hook of its own a table would read from where the model before it wanted to (macros/first_items.sql)."""

    def code(key: str) -> Iterator[str]:
        yield models[key]["raw_code"]
        for parent in manifest["parent_map"].get(key, []):
            if parent in models and models[parent]["config"]["materialized"] == "view":
                yield from code(parent)

    tables = {key: node for key, node in models.items() if node["config"]["materialized"] != "view" and layer(node) != "live"}
    reading = {key: node for key, node in tables.items() if any("since_first_item(" in each for each in code(key))}
    assert reading
    none_of(
        [
            f"{node['name']} does not set it"
            for node in reading.values()
            if not any("set_first_" in hook["sql"] for hook in node["config"]["pre-hook"])
        ]
    )


def test_no_running_count_has_a_filter(models: dict[str, Node]) -> None:
    """DuckDB counts `count(*) filter (...) over` anew for every row: a conversation of 100,000 messages takes their square."""
    running = re.compile(r"count\(\*\)\s+filter\s*\((?:[^()]|\([^()]*\))*\)\s*over")
    assert running.search("count(*) filter (where is_waiting and not f(x)) over (order by at)")
    none_of(
        [node["name"] for node in models.values() if running.search(node["raw_code"])], "count(case when ... then 1 end) over"
    )


def test_what_rebuilds_dates_has_a_date_and_a_platform(models: dict[str, Node], columns: dict[str, list[str]]) -> None:
    """Without them the strategy deletes nothing, and rows double."""
    rebuilt = [node for node in models.values() if node["config"].get("incremental_strategy") == "rebuild_dates"]
    assert rebuilt
    without = [
        f"{node['name']} has no {column}"
        for node in rebuilt
        for column in ("business_date", "platform")
        if column not in built_columns(node, columns) and not (column == "platform" and set(node["fqn"]) & set(PLATFORMS))
    ]
    none_of(without)


def missing_parts(platform: str) -> list[str]:
    """What a platform of vars.yml has to have and has not."""
    files = {path.name for path in (PROJECT / "models").rglob("*.sql")}
    missing = [f"models/sources/{platform}.yml"] if not (PROJECT / f"models/sources/{platform}.yml").exists() else []
    missing += [f"int_{platform}__{part}.sql" for part in PARTS if f"int_{platform}__{part}.sql" not in files]
    for seed, column in SEEDS.items():
        with open(PROJECT / "seeds" / f"{seed}.csv", encoding="utf-8", newline="") as file:
            if platform not in {row[column] for row in csv.DictReader(file)}:
                missing.append(f"rows of {column} {platform} in seeds/{seed}.csv")
    if not fixture_with(platform):
        missing.append(f"a landing folder tests/python/fixtures/*/landing/{platform}")
    return missing


def fixture_with(platform: str) -> str | None:
    """The first case in which the platform lands."""
    return min((path.parts[-3] for path in FIXTURES.glob(f"*/landing/{platform}")), default=None)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_has_every_part(platform: str) -> None:
    none_of(missing_parts(platform), f"{platform} of vars.yml is without")


def test_a_platform_that_is_only_named_lacks_every_part() -> None:
    missing = missing_parts("nowhere")
    assert len(missing) == 1 + len(PARTS) + len(SEEDS) + 1
    assert "models/sources/nowhere.yml" in missing
    assert {"int_nowhere__touched.sql", "rows of scope nowhere in seeds/rule_parameters.csv"} <= set(missing)


def test_no_platform_is_left_out_of_the_list() -> None:
    """A folder or a contract of a platform that vars.yml does not name would be ignored."""
    folders = {path for layer in LAYERS for path in (PROJECT / "models" / layer).iterdir() if path.is_dir()}
    contracts = (PROJECT / "models" / "sources").glob("[!_]*.yml")
    named = [(path.stem, path.relative_to(PROJECT)) for path in [*folders, *contracts]]
    none_of([f"{path}: vars.yml does not name {name}" for name, path in named if name not in [*PLATFORMS, "common"]])


def common_files() -> Iterator[Path]:
    """What is there once for all platforms: models of no platform's folder, macros, Python."""
    for folder in [*LAYERS[1:], "marts/common"]:
        yield from (PROJECT / "models" / folder).glob("*.sql")
    yield from (PROJECT / "macros").rglob("*.sql")
    for path in (PROJECT / "orchestration").rglob("*.py"):
        if path.relative_to(PROJECT / "orchestration").parts[0] not in OF_PLATFORMS:
            yield path


def test_nothing_common_names_a_platform() -> None:
    """Spelled as code spells it, in small letters; prose may speak of Taobao."""
    names = re.compile("|".join(PLATFORMS))
    naming = {}
    for path in common_files():
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [f"{number}: {line.strip()}" for number, line in enumerate(lines, 1) if names.search(line)]
        if found:
            naming[path.relative_to(PROJECT).as_posix()] = found
    unexpected = [f"{path}:{line}" for path, found in naming.items() if path not in MAY_NAME_PLATFORMS for line in found]
    none_of(unexpected, "a platform is a column, a folder or a row of a seed")
    none_of(sorted(set(MAY_NAME_PLATFORMS) - set(naming)), "these name none any more, take them off the list:")


def forgotten(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The platforms of vars.yml that landed, and the tables in which nothing is seen of them."""
    landed = {platform for (platform,) in connection.execute("select distinct platform from raw.deliveries").fetchall()}
    return [
        f"{platform} has landed, but {table} has no row of it"
        for platform in PLATFORMS
        if platform in landed
        for table in BUILT
        if not connection.execute(f"select 1 from {table} where platform = ? limit 1", [platform]).fetchall()
    ]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_platform_that_landed_is_forgotten(platform: str, built_homes: dict[str, Path]) -> None:
    home = built_homes[fixture_with(platform) or "case101"]
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        landed = connection.execute("select count(*) from raw.deliveries where platform = ?", [platform]).fetchall()
        assert landed != [(0,)], f"{platform} has landed nothing"
        none_of(forgotten(connection))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_forgotten_platform_is_told_with_the_table(platform: str, built_homes: dict[str, Path], tmp_path: Path) -> None:
    home = built_homes[fixture_with(platform) or "case101"]
    behind = {"marts.service_metrics": "metrics.int_metric_values"}  # marts are views
    shutil.copy(
        home / "warehouse.duckdb", tmp_path / "warehouse.duckdb"
    )  # views name the database, which is named after the file
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for table in BUILT:
            connection.begin()
            connection.execute(f"delete from {behind.get(table, table)} where platform = ?", [platform])
            assert forgotten(connection) == [f"{platform} has landed, but {table} has no row of it"]
            connection.rollback()
        connection.execute("delete from raw.deliveries where platform = ?", [platform])
        for table in BUILT:
            connection.execute(f"delete from {behind.get(table, table)} where platform = ?", [platform])
        assert not forgotten(connection), "what has not landed is not missed"
