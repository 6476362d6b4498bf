"""What `make bi` gives Superset, without Superset: words in both languages, sums for rates, and who is on the list of people.

tests/bi/ looks at the dashboards themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from harness import query, words_of_dashboards

from orchestration.bi import bundle
from orchestration.bi.people import ALL_SHOPS, read_people, role_of
from orchestration.bi.plan import plan
from orchestration.bi.story import story
from orchestration.errors import KefuError
from orchestration.home import PROJECT, Home
from orchestration.language import chinese
from orchestration.report import TABLES, TARGETS

pytestmark = pytest.mark.readers

SHOPS = [("kuaishou", "s1"), ("taobao", "s1"), ("taobao", "s2")]
HEADER = "name,role,platform,shop_id"


@pytest.fixture
def plan_in(built_homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    def made(language: str) -> dict[str, Any]:
        monkeypatch.setenv("KEFU_LANG", language)
        return plan(Home(built_homes["case103"]))

    return made


def test_every_word_is_in_the_catalogue(built_homes: dict[str, Path]) -> None:
    asked = words_of_dashboards(built_homes["case103"])
    assert sorted(asked - chinese().keys()) == []
    assert len(asked) > 200


def test_one_source_gives_both_languages(plan_in: Callable[[str], dict[str, Any]]) -> None:
    """The same objects under the same ids, of which the English ones have no Chinese in them."""
    english, in_chinese = plan_in("en")["assets"], plan_in("zh")["assets"]
    assert english.keys() == in_chinese.keys()
    for path, asset in english.items():
        first, second = yaml.safe_load(asset), yaml.safe_load(in_chinese[path])
        assert first.get("uuid") == second.get("uuid"), path
        if path.startswith(("charts/", "dashboards/", "datasets/")) and not path.startswith("datasets/marts/"):
            words = [first.get(key) or "" for key in ("slice_name", "dashboard_title", "description", "sql")]
            words += [column["verbose_name"] for column in first.get("columns", [])]
            assert not re.search("[\u4e00-\u9fff]", " ".join(words)), path


def test_a_story_is_for_who_sees_the_shop_and_names_nobody_where_ids_are_hidden(
    built_homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = built_homes["case103"]
    ((round_id, *shop),) = query(home, "select round_id, platform, shop_id from marts.rounds where platform = 'taobao' limit 1")
    assert round_id in story(home, round_id, [role_of((shop[0], shop[1]))])
    for roles in ([], ["kefu_analyst", role_of(("taobao", "another"))], [role_of(("kuaishou", shop[1]))]):
        with pytest.raises(KefuError, match="that you may see"):
            story(home, round_id, roles)
    monkeypatch.setenv("KEFU_BUYER_KEY", "0123456789abcdef")
    with pytest.raises(KefuError, match="hides who buyers are"):
        story(home, round_id, [ALL_SHOPS])


def test_rates_are_sums_over_sums() -> None:
    """No chart adds or averages what is a share already."""
    for key, dataset in bundle.datasets().items():
        for metric, each in dataset.get("metrics", {}).items():
            if "%" in each.get("d3format", ""):
                assert re.fullmatch(r"(sum|count)\(.+ / (nullif\()?(sum|count)\(.+", each["expression"]), f"{key}: {metric}"
            assert not re.search(r"avg\((value|\w*rate|\w*share|\w*ratio)\)", each["expression"]), f"{key}: {metric}"


def test_every_dataset_has_its_shop_where_its_rows_have_one(plan_in: Callable[[str], dict[str, Any]]) -> None:
    """Otherwise people of one shop would see all: a dataset that reads a mart with shops has shop_id, and says the platform."""
    planned = plan_in("en")
    datasets = {path: yaml.safe_load(asset) for path, asset in planned["assets"].items() if path.startswith("datasets/")}
    columns = {dataset["table_name"]: {each["column_name"] for each in dataset["columns"]} for dataset in datasets.values()}
    with_shops = {name for name, has in columns.items() if "shop_id" in has}
    assert set(planned["of_shops"]) == with_shops
    for dataset in datasets.values():
        read = set(re.findall(r"(?:from|join) marts\.(\w+)", dataset.get("sql") or ""))
        if read & with_shops:
            assert {"shop_id", "platform_id"} <= columns[dataset["table_name"]], dataset["table_name"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["name,role"], "its first line has to be name,role,platform,shop_id"),
        ([HEADER, "li,boss,,"], "line 2: role 'boss' is neither viewer nor analyst"),
        ([HEADER, "li,viewer,,", "wang,viewer,taobao,s3"], "line 3: the marts know no shop 's3' of platform 'taobao'"),
        ([HEADER, "li,viewer,,s1"], "line 2: the marts know no shop 's1' of platform ''"),
        ([HEADER, "li wang,viewer,,"], "line 2: name 'li wang' is none that can log in"),
        ([HEADER, "admin,viewer,,"], "line 2: name 'admin' is none that can log in"),
    ],
)
def test_what_is_no_list_of_people(lines: list[str], says: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(KefuError, match=re.escape(says)):
        read_people(file, SHOPS)


def test_people_have_the_roles_of_their_rows(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    assert read_people(file, SHOPS) == []
    rows = [HEADER, "li,viewer,taobao,s1", "li,viewer,kuaishou,s1", "wang,analyst,,"]
    file.write_text("\ufeff" + "\r\n".join(rows), encoding="utf-8")
    assert read_people(file, SHOPS) == [
        {"name": "li", "roles": ["kefu_shop kuaishou s1", "kefu_shop taobao s1", "kefu_viewer"]},
        {"name": "wang", "roles": ["kefu_all_shops", "kefu_analyst"]},
    ]


def test_the_people_of_the_document(tmp_path: Path) -> None:
    document = (PROJECT / "docs" / "dashboards.md").read_text(encoding="utf-8")
    file = tmp_path / "people.csv"
    file.write_text(dedent(document[document.index(f"    {HEADER}") :].split("\n\n")[0]), encoding="utf-8")
    found = read_people(file, [("kuaishou", "ks-shop-01"), ("taobao", "tb-shop-01"), ("taobao", "tb-shop-02")])
    assert {person["name"]: len(person["roles"]) for person in found} == {"chen": 2, "li": 2, "wang": 3}


def test_the_lineage_ends_where_people_look() -> None:
    """The exposures name the marts that each dashboard and the report read, and no others."""
    exposures = yaml.safe_load((PROJECT / "models" / "exposures.yml").read_text(encoding="utf-8"))["exposures"]
    told = {each["name"]: sorted(re.findall(r"ref\('(\w+)'\)", " ".join(each["depends_on"]))) for each in exposures}
    read = {
        f"dashboard_{key.partition('_')[2]}": sorted(
            marts_in(
                bundle.datasets()[dataset]["sql"] for dataset in {"accounts", *(each["dataset"] for each in charts.values())}
            )
        )
        for key, charts in ((key, dashboard["charts"]) for key, dashboard in bundle.dashboards().items())
    }
    read["report"] = sorted(marts_in(path.read_text(encoding="utf-8") for path in [*TABLES.glob("*.sql"), TARGETS]))
    assert told == read


def marts_in(queries: Iterable[str]) -> set[str]:
    return {mart for query in queries for mart in re.findall(r"(?:from|join) marts\.(\w+)", query)}
