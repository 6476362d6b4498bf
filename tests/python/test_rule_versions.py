"""Rules are dated rows: changing one rebuilds the days it is in force on, and those whose rule version is called otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import FIXTURES, build, build_of, copy_project, marts, query

pytestmark = pytest.mark.increments

CASE = "case102"  # after 6 July 2022, since when Tmall's window begins an hour later
KUAISHOU = "case105"  # around 27 March 2023, when Kuaishou's rules changed


def rounds(home: Path, where: str) -> list[tuple[object, ...]]:
    return query(
        home,
        f"select * from marts.taobao_rounds join marts.shops using (shop_id) where {where} order by all",
    )


def change(project: Path, old: str, new: str) -> None:
    rules = project / "seeds" / "rule_parameters.csv"
    text = rules.read_text(encoding="utf-8")
    assert text.count(old) == 1
    rules.write_text(text.replace(old, new), encoding="utf-8")


def test_moving_a_boundary_moves_it_and_nothing_else(built_homes: dict[str, Path], tmp_path: Path) -> None:
    before, home, full, project = built_homes[CASE], tmp_path / "home", tmp_path / "full", copy_project(tmp_path / "project")
    shutil.copytree(before, home, symlinks=True)
    change(project, "tmall,window_start,08:00,,2022-07-05,", "tmall,window_start,08:00,,2022-11-25,")
    change(project, "tmall,window_start,09:00,2022-07-06,,", "tmall,window_start,09:00,2022-11-26,,")
    outcome = build_of(project, FIXTURES / CASE / "landing", home, full)
    assert outcome.code == 0, outcome.err
    (days, first, last) = query(
        before, "select count(distinct business_date), min(business_date), max(business_date) from marts.taobao_rounds"
    )[0]
    assert f"rebuilt taobao: {days} dates, {first} to {last}" in outcome.out, "a version begins on the 26th now"

    unmoved = "marketplace = 'taobao'"
    assert rounds(home, unmoved) == rounds(before, unmoved)
    early = "marketplace = 'tmall' and business_date <= '2022-11-25' and hour(clock_started_at) = 8"
    assert rounds(before, early), "there are rounds between 08:00 and 09:00 on the days in question"
    assert all("outside_window" in reasons for (*_, reasons) in _reasons(before, early))
    assert not any("outside_window" in reasons for (*_, reasons) in _reasons(home, early))

    assert marts(home) == marts(full)


def test_a_change_that_moves_where_no_data_lies(tmp_path: Path) -> None:
    """What came after it keeps its figures; its rule version is called after another day."""
    home, landing, project = tmp_path / "home", tmp_path / "landing", copy_project(tmp_path / "project")
    for day in ("2023-03-30", "2023-03-31"):
        for folder in (FIXTURES / KUAISHOU / "landing").glob(f"kuaishou/*/dt={day}"):
            shutil.copytree(folder, landing / folder.relative_to(FIXTURES / KUAISHOU / "landing"))
    build(landing, home)
    before = marts(home)
    for parameter in ("window_end,24:00", "reply_scope,bot_and_human"):
        change(project, f"kuaishou,{parameter},,2023-03-26,", f"kuaishou,{parameter},,2023-03-24,")
    for parameter in ("window_end,23:00", "reply_scope,human_only"):
        change(project, f"kuaishou,{parameter},2023-03-27,,", f"kuaishou,{parameter},2023-03-25,,")
    assert build_of(project, landing, home, tmp_path / "full").code == 0
    assert marts(home) == marts(tmp_path / "full")
    assert {row[-1] for row in marts(home)["kuaishou_rounds"]} == {"kuaishou@2023-03-25"}
    assert marts(home)["kuaishou_realtime"] == before["kuaishou_realtime"] != []


def test_kuaishou_before_and_after_the_change_in_one_build(built_homes: dict[str, Path], tmp_path: Path) -> None:
    """Until 26 March 2023 bots answered too, and until 24:00; moving the change by two days moves these two days only."""
    before, home, project = built_homes[KUAISHOU], tmp_path / "home", copy_project(tmp_path / "project")
    late = "is_counted and hour(clock_started_at) = 23"
    assert query(before, f"select max(business_date) < '2023-03-27' from marts.kuaishou_rounds where {late}") == [(True,)]

    shutil.copytree(before, home, symlinks=True)
    for parameter in ("window_end,24:00", "reply_scope,bot_and_human"):
        change(project, f"kuaishou,{parameter},,2023-03-26,", f"kuaishou,{parameter},,2023-03-28,")
    for parameter in ("window_end,23:00", "reply_scope,human_only"):
        change(project, f"kuaishou,{parameter},2023-03-27,,", f"kuaishou,{parameter},2023-03-29,,")
    outcome = build_of(project, FIXTURES / KUAISHOU / "landing", home)
    assert outcome.code == 0, outcome.err
    ((last,),) = query(before, "select max(business_date) from marts.kuaishou_rounds")
    assert f" dates, 2023-03-27 to {last}" in outcome.out
    moved, later = "business_date between '2023-03-27' and '2023-03-28'", "business_date > '2023-03-28'"
    for where, is_same in ((f"not ({moved} or {later})", True), (moved, False), (later, True)):
        version = "if(rule_version = 'kuaishou@2023-03-29', 'kuaishou@2023-03-27', rule_version) as rule_version"
        rows = f"select * replace ({version}) from marts.kuaishou_rounds where {where} order by all"
        assert (query(home, rows) == query(before, rows)) == is_same, where
    versions = query(home, f"select distinct rule_version from marts.kuaishou_rounds where {later}")
    assert versions == [("kuaishou@2023-03-29",)]


def test_a_version_for_a_future_date_works_at_once(built_homes: dict[str, Path], tmp_path: Path) -> None:
    home, project = tmp_path / "home", copy_project(tmp_path / "project")
    shutil.copytree(built_homes[CASE], home, symlinks=True)
    change(
        project,
        "tmall,response_rate_3min_target,0.90,2022-07-06,,",
        "tmall,response_rate_3min_target,0.95,2022-11-26,,T-01,C,by hand\n"
        "tmall,response_rate_3min_target,0.90,2022-07-06,2022-11-25,",
    )
    outcome = build_of(project, FIXTURES / CASE / "landing", home)
    assert outcome.code == 0, outcome.err
    targets = query(
        home,
        """
        select distinct period_end >= '2022-11-26', target from marts.service_metrics join marts.shops using (platform, shop_id)
        where marketplace = 'tmall' and metric = 'response_rate_3min' and period = 'day'
        order by all
        """,
    )
    assert targets == [(False, 0.9), (True, 0.95)]


def _reasons(home: Path, where: str) -> list[tuple[object, list[str]]]:
    return query(
        home, f"select round_id, exclusion_reasons from marts.taobao_rounds join marts.shops using (shop_id) where {where}"
    )
