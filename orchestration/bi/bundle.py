"""The datasets, charts and dashboards of bi/superset/ as files that Superset imports, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import duckdb
import yaml
from jinja2 import Environment, StrictUndefined

from orchestration.export import MARTS, Mart
from orchestration.home import PROJECT, Home
from orchestration.landing.contract import platform_name, platforms
from orchestration.language import _, language
from orchestration.sql import text

SOURCE = PROJECT / "bi" / "superset"
IDS = UUID("6b656675-0000-4000-8000-000000000000")  # of which those of all objects are made: an import takes their place
SHARED = {"version": "1.0.0", "is_managed_externally": True}  # which also tells them from what people add
MARTS_DATABASE, LIVE_DATABASE = "kefu", "live"
# Readers of a shop or of all of them: no file but the database, and no way to change that.
LOCKED = {"read_only": True, "config": {"enable_external_access": False, "lock_configuration": True}}
COLUMNS_OF_A_ROW = 12
PAGE = 20  # rows of a table
FILTERS = {"platform": "filter_select", "shop": "filter_select", "account": "filter_select", "period": "filter_time"}
FILTERS_DATASET = "accounts"

Config = dict[str, Any]


def bundle(home: Home, connection: duckdb.DuckDBPyConnection, marts: Sequence[Mart]) -> dict[str, Config]:
    """The files of an import by their paths: what is in bi/superset/, and every mart as it is for ad-hoc SQL.

    What `kefu live` keeps is left out where the home has no live.duckdb.
    """
    found: dict[str, Config] = {"metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"}}
    files = {MARTS_DATABASE: home.published}
    if home.live.exists():
        files[LIVE_DATABASE] = home.live
        connection.execute(f"attach {text(home.live.resolve())} as live_file (read_only)")
    for database, file in files.items():
        found[f"databases/{database}.yaml"] = _database(database, file)
    for mart in marts:
        found[f"datasets/{MARTS}/{mart.name}.yaml"] = _mart(mart)
    known = {
        key: _dataset(connection, key, source)
        for key, source in datasets().items()
        if source.get("database", MARTS_DATABASE) in files
    }
    found |= {f"datasets/{key}.yaml": dataset for key, dataset in known.items()}
    for key, source in dashboards().items():
        charts = {chart: each for chart, each in source["charts"].items() if each["dataset"] in known}
        for chart, each in charts.items():
            found[f"charts/{key}_{chart}.yaml"] = _chart(f"{key}_{chart}", each, known[each["dataset"]])
        found[f"dashboards/{key}.yaml"] = _dashboard(key, source, charts)
    return found


@cache
def datasets() -> Mapping[str, Config]:
    """The datasets of bi/superset/ by name."""
    return _read("datasets")


@cache
def dashboards() -> Mapping[str, Config]:
    """The dashboards of bi/superset/, in their order."""
    return _read("dashboards")


def _read(folder: str) -> dict[str, Config]:
    paths = sorted((SOURCE / folder).glob("*.yml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths}


def rendered(sql: str) -> str:
    """A dataset's SQL with its words in the reader's language."""
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    environment.globals |= {"_": _, "language": language(), "platform": _platform, "word": _word, "figure": _figure}
    return environment.from_string(sql).render()


def dataset_name(key: str) -> str:
    """What Superset calls a dataset of bi/superset/, as some have the name of a mart."""
    return f"dashboard_{key}"


def _platform(column: str) -> str:
    return _case(column, {platform: platform_name(platform) for platform in platforms()})


def _word(column: str, *values: str) -> str:
    return _case(column, {value: _(value).replace("_", " ") for value in values})


def _case(column: str, words: Mapping[str, str]) -> str:
    """SQL for a column's values in words; one that has none stays as it is."""
    branches = " ".join(f"when {text(value)} then {text(word)}" for value, word in words.items())
    return f"case {column} {branches} else {column} end"


def _figure(value: str, unit: str) -> str:
    """SQL for a share or seconds as people read them."""
    seconds = text(_("{seconds} s").format(seconds="%.1f"))
    return f"case {unit} when 'share' then printf('%.2f%%', {value} * 100) else printf({seconds}, {value}) end"


def _id(kind: str, key: str) -> str:
    return str(uuid5(IDS, f"{kind}/{key}"))


def label(name: str) -> str:
    """A column or metric as a heading."""
    return _(name.replace("_", " "))


def _database(name: str, file: Path) -> Config:
    return {
        **SHARED,
        "database_name": name,
        "sqlalchemy_uri": f"duckdb:///{file}",
        "expose_in_sqllab": name == MARTS_DATABASE,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "extra": {"engine_params": {"connect_args": LOCKED}, "allows_virtual_table_explore": True},
        "uuid": _id("database", name),
    }


def _mart(mart: Mart) -> Config:
    columns = [_column(column.name, column.data_type) | {"description": column.comment} for column in mart.columns]
    return _of_database(MARTS_DATABASE, mart.name) | {"schema": MARTS, "description": mart.comment, "columns": columns}


def _dataset(connection: duckdb.DuckDBPyConnection, key: str, source: Config) -> Config:
    sql, database = rendered(source["sql"]), source.get("database", MARTS_DATABASE)
    connection.execute(f"use {'live_file' if database == LIVE_DATABASE else 'published'}")
    described = connection.execute(f"describe {sql}").fetchall()
    return _of_database(database, dataset_name(key)) | {
        "schema": None,
        "sql": sql,
        "description": _(source["text"]),
        "main_dttm_col": source.get("time"),
        "columns": [_column(column, data_type) | {"verbose_name": label(column)} for column, data_type, *_rest in described],
        "metrics": [
            {"metric_name": metric, "verbose_name": label(metric), **each} for metric, each in source.get("metrics", {}).items()
        ],
    }


def _of_database(database: str, name: str) -> Config:
    return {**SHARED, "table_name": name, "uuid": _id("dataset", name), "database_uuid": _id("database", database)}


def _column(name: str, data_type: str) -> Config:
    return {
        "column_name": name,
        "type": data_type,
        "is_dttm": data_type in ("DATE", "TIMESTAMP"),
        "groupby": True,
        "filterable": True,
    }


def _chart(key: str, source: Config, dataset: Config) -> Config:
    """A chart with its parameters as Superset calls them, but for those that follow from the rest."""
    filters = list(_filters(dataset["main_dttm_col"], source.get("where")))
    params = {"viz_type": source["viz"], "row_limit": 1000, "adhoc_filters": filters}
    if source["viz"] == "table":
        dates = {column["column_name"]: {"d3TimeFormat": "%Y-%m-%d"} for column in dataset["columns"] if column["type"] == "DATE"}
        params |= {
            "query_mode": "raw" if "all_columns" in source["params"] else "aggregate",
            "column_config": dates | source["params"].get("column_config", {}),
            "table_timestamp_format": "%Y-%m-%d %H:%M:%S",
            "show_cell_bars": False,
            "page_length": PAGE,
            "server_page_length": PAGE,
        }
    params = {"x_axis_time_format": "%m-%d", "allow_render_html": False, **source["params"], **params}
    if "total_label" in params:
        params["total_label"] = _(params["total_label"])
    return {
        **SHARED,
        "slice_name": _(source["title"]),
        "viz_type": source["viz"],
        "params": params,
        "uuid": _id("chart", key),
        "dataset_uuid": dataset["uuid"],
    }


def _filters(time: str | None, where: str | None) -> Iterator[Config]:
    if time:  # where the dashboard's period goes
        yield {
            "clause": "WHERE",
            "expressionType": "SIMPLE",
            "subject": time,
            "operator": "TEMPORAL_RANGE",
            "comparator": "No filter",
        }
    if where:
        yield {"clause": "WHERE", "expressionType": "SQL", "sqlExpression": where}


def _dashboard(key: str, source: Config, charts: Mapping[str, Config]) -> Config:
    number, _separator, slug = key.partition("_")
    return {
        **SHARED,
        "dashboard_title": f"{number} {_(source['title'])}",
        "description": _(source["text"]),
        "slug": slug,
        "published": True,
        "uuid": _id("dashboard", key),
        "position": _position(key, charts),
        "metadata": {
            "native_filter_configuration": [_native_filter(key, name, kind) for name, kind in FILTERS.items()],
            "cross_filters_enabled": True,
            "filter_bar_orientation": "HORIZONTAL",
        },
    }


def _native_filter(key: str, name: str, kind: str) -> Config:
    is_of_values = kind == "filter_select"
    target = {"datasetUuid": _id("dataset", dataset_name(FILTERS_DATASET)), "column": {"name": name}} if is_of_values else {}
    return {
        "id": f"NATIVE_FILTER-{key}-{name}",
        "name": label(name),
        "type": "NATIVE_FILTER",
        "filterType": kind,
        "targets": [target],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "controlValues": {"multiSelect": True, "enableEmptyFilter": False} if is_of_values else {},
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [],
    }


def _position(key: str, charts: Mapping[str, Config]) -> Config:
    """Charts one after the other, in rows of twelve columns."""
    found: Config = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
    }
    for number, row in enumerate(_rows(charts), 1):
        parents = ["ROOT_ID", "GRID_ID"]
        row_id = f"ROW-{number}"
        found["GRID_ID"]["children"].append(row_id)
        children = [f"CHART-{chart}" for chart in row]
        background = {"background": "BACKGROUND_TRANSPARENT"}
        found[row_id] = {"type": "ROW", "id": row_id, "children": children, "meta": background, "parents": parents}
        for chart in row:
            source = charts[chart]
            uuid = _id("chart", f"{key}_{chart}")
            found[f"CHART-{chart}"] = {
                "type": "CHART",
                "id": f"CHART-{chart}",
                "children": [],
                "parents": [*parents, row_id],
                "meta": {
                    "chartId": UUID(uuid).int % 1_000_000_000,  # until the import gives it one
                    "uuid": uuid,
                    "sliceName": _(source["title"]),
                    "width": source.get("width", COLUMNS_OF_A_ROW),
                    "height": source.get("height", 50),
                },
            }
    return found


def _rows(charts: Mapping[str, Config]) -> Iterator[Sequence[str]]:
    row: list[str] = []
    used = 0
    for chart, source in charts.items():
        width = source.get("width", COLUMNS_OF_A_ROW)
        if used + width > COLUMNS_OF_A_ROW:
            yield row
            row, used = [], 0
        row.append(chart)
        used += width
    yield row
