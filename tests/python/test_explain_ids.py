"""`kefu explain` of whatever has an id, with or without what its full id begins with, and of figures."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from harness import kefu, query, warehouse

from orchestration.errors import KefuError
from orchestration.explain import explanation
from orchestration.explain.text import render

pytestmark = pytest.mark.readers

CASE = "case101"


def told(home: Path, given: str) -> str:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        found = explanation(connection, given)
        assert found is not None, given
        return render(found)


def test_every_figure_of_a_day(built_homes: dict[str, Path]) -> None:
    home = built_homes[CASE]
    figures = warehouse(
        home,
        """
        select platform || '/' || shop_id || '/' || period_end || '/' || metric, numerator, denominator, value, unit
        from marts.service_metrics join marts.metrics using (platform, metric)
        where subject = 'shop' and period = 'day'
        order by all
        """,
    )
    for given, numerator, denominator, value, unit in figures[::5]:
        text = told(home, given)
        share = f"{numerator:g} of {denominator:g} = {value:.2%}"
        parts = share if unit == "share" else f"{value:,.3f} s, the mean of {denominator:g}"
        assert f"    day: {parts}; " in text, given
        assert "None" not in text, given
    assert {given.split("/")[0] for given, *_ in figures} == {"kuaishou", "taobao", "xiaohongshu"}
    assert len(figures) > 200


@pytest.mark.parametrize("metric", ["taobao/response_rate_3min", "taobao/satisfaction_rate", "kuaishou/positive_rating_rate"])
def test_what_a_figure_lists_speaks_against_it(built_homes: dict[str, Path], metric: str) -> None:
    home, (platform, name) = built_homes[CASE], metric.split("/")
    figures = query(
        home,
        f"""
        select shop_id || '/' || period_end, denominator - numerator from marts.service_metrics
        where platform = '{platform}' and metric = '{name}' and subject = 'shop' and period = 'day' and numerator < denominator
        order by all
        """,
    )
    for given, missed in figures[:5]:
        lines = told(home, f"{platform}/{given}/{name}").splitlines()
        ids = [line.split()[-1] for line in lines if line.startswith("    kefu explain ")]
        assert len(ids) == min(missed, 20), given
        for identifier in ids:
            text = told(home, identifier)
            assert "\n  Counts 计入考核" in text and ("not answered in time" in text or "not satisfied" in text), identifier
    assert figures


def test_figures_that_are_not_there(built_homes: dict[str, Path]) -> None:
    home = built_homes[CASE]
    day = "2022-02-08"
    for given, sentence in {
        f"taobao/s1/{day}/reply_rate": "taobao has no metric reply_rate: its metrics are assistant_satisfaction_rate, ",
        f"jd/s1/{day}/response_rate_3min": "jd has no metric response_rate_3min: there is no such platform",
        f"taobao/nobody/{day}/response_rate_3min": "there is no such figure: of that shop and day nothing counts, or nothing ",
    }.items():
        outcome = kefu("explain", given, "--home", home)
        assert outcome.code == 1
        assert outcome.err.startswith(f"kefu: {given}: {sentence}"), outcome.err
        assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("platform", ["taobao", "kuaishou"])
def test_every_conversation_has_its_rounds(built_homes: dict[str, Path], platform: str) -> None:
    home = built_homes[CASE]
    found = warehouse(
        home,
        f"""
        select conversation_id, list(round_id order by clock_started_at, round_id), count(*) filter (where is_counted)
        from judged.int_judged_rounds where platform = '{platform}' group by all
        """,
    )
    for conversation_id, rounds, counted in found[::3]:
        text = told(home, f"{platform}-conversation-{conversation_id}")
        assert [line.split(": ")[1] for line in text.splitlines() if line.startswith("  Round ")] == rounds
        assert text.count("    Counts 计入考核.") == counted
        assert [text.count(f"round {number} >") for number in range(1, len(rounds) + 1)] == [1] * len(rounds), conversation_id
        assert "None" not in text
    assert len(found) > 100


def test_every_card_of_kuaishou(built_homes: dict[str, Path]) -> None:
    home = built_homes[CASE]
    cards = warehouse(home, "select card_id, level from staging.kuaishou_rating_cards")
    judged = dict(query(home, "select card_id, exclusion_reasons from marts.kuaishou_ratings"))
    for card_id, level in cards:
        text = told(home, f"kuaishou-card-{card_id}")
        assert ("Nobody rated it" in text) == (level is None), card_id
        assert ("  Counts 计入考核" in text) == (judged.get(card_id) == []), card_id
        assert all(f"[{reason}]" in text for reason in judged.get(card_id, [])), card_id
        assert "None" not in text, card_id
    assert len(cards) > 100


@pytest.mark.parametrize(
    ("ids", "begins", "title"),
    [
        ("select card_id from staging.kuaishou_rating_cards", "kuaishou-card-", "Rating card 评价卡片"),
        ("select card_id from staging.taobao_rating_cards", "taobao-card-", "Rating card 评价卡片"),
        ("select entry_id from marts.taobao_priority_receptions", "taobao-entry-", "Entry 进线"),
        ("select conversation_id from items.int_kuaishou__items", "kuaishou-conversation-", "Conversation 会话"),
        ("select conversation_id from items.int_taobao__items", "taobao-conversation-", "Conversation 会话"),
    ],
    ids=lambda value: value.strip("-") if value.endswith("-") else "",
)
def test_an_id_alone_is_enough_where_one_thing_has_it(built_homes: dict[str, Path], ids: str, begins: str, title: str) -> None:
    """In the samples things of several platforms have the same ids; then all of them are named."""
    home = built_homes[CASE]
    ((identifier,), *_) = warehouse(home, f"{ids} order by all")
    full = told(home, f"{begins}{identifier}")
    assert full.startswith(title)
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        try:
            alone = explanation(connection, identifier)
        except KefuError as error:
            assert f"{identifier} is the id of several things: ask for " in str(error)
            assert f"{begins}{identifier}" in str(error)
        else:
            assert alone is not None and render(alone) == full


def test_an_id_of_two_things(built_homes: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(built_homes[CASE] / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for platform in ("kuaishou", "taobao"):
            connection.execute(
                f"update raw.{platform}_rating_cards set card_id = 'both' where rowid = (select min(rowid) from "
                f"raw.{platform}_rating_cards where _stands)"
            )
    outcome = kefu("explain", "both", "--home", tmp_path)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "kefu: both is the id of several things: ask for kuaishou-card-both or taobao-card-both\n"


def test_who_has_read_enough_is_no_error(built_homes: dict[str, Path]) -> None:
    """Whatever reads the output may close it, as `head` does."""
    command = Path(sys.executable).with_name("kefu")
    explained = f"{command} explain taobao-H-e0000468 --home {built_homes[CASE]}"
    run = subprocess.run(["bash", "-c", f"({explained}; echo $? >&2) | true"], capture_output=True, text=True, check=True)
    assert run.stderr == "0\n"
