"""What Superset is to hold for a home: the files to import, who sees which shops, and the people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from orchestration.bi.bundle import bundle
from orchestration.bi.people import Shop, read_people, role_of
from orchestration.export import Mart, published
from orchestration.home import Home
from orchestration.sql import text


def plan(home: Home) -> dict[str, Any]:
    """The plan that bi/superset/install.py reads: `assets`, `people` with their roles, `of_shops` (datasets with rows of shops),
    and `shops`: of each role of a shop a clause by dataset.
    """
    with published(home) as (connection, marts):
        shops = connection.execute("select platform, shop_id from published.marts.shops order by all").fetchall()
        files = bundle(home, connection, marts)
    people = read_people(home.bi / "people.csv", shops)
    platform_of = _with_shops(marts, [file for path, file in files.items() if path.startswith("datasets/")])
    used = {role for person in people for role in person["roles"]}
    return {
        "assets": {path: yaml.safe_dump(file, allow_unicode=True, sort_keys=False) for path, file in files.items()},
        "people": people,
        "of_shops": list(platform_of),
        "shops": {
            role_of(shop): {dataset: _is_of(shop, platform) for dataset, platform in platform_of.items()}
            for shop in shops
            if role_of(shop) in used
        },
    }


def _is_of(shop: Shop, platform: str) -> str:
    """SQL for whether a row is of a shop; `platform` is SQL for its platform."""
    return f"{platform} = {text(shop[0])} and shop_id = {text(shop[1])}"


def _with_shops(marts: Sequence[Mart], datasets: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The datasets with rows of shops, and how SQL says the platform of a row."""
    of_one_platform = {mart.name: text(mart.platform) for mart in marts if mart.platform}
    found: dict[str, str] = {}
    for dataset in datasets:
        columns = {column["column_name"] for column in dataset["columns"]}
        if "shop_id" in columns:
            name = dataset["table_name"]
            found[name] = of_one_platform.get(name) or ("platform_id" if "platform_id" in columns else "platform")
    return found
