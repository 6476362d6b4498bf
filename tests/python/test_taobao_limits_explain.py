from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from harness import kefu, query

from orchestration.explain import explanation
from orchestration.explain.text import render

pytestmark = pytest.mark.readers


def test_every_streak_explains(built_homes: dict[str, Path]) -> None:
    home = built_homes["case101"]
    streaks = query(
        home,
        """
        select streak_id, counted_messages, reached_limit_at, ended_by, ended_at, closed_from, messages_after_rejection
        from marts.taobao_message_streaks
        """,
    )
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for streak_id, counted, reached_at, ended_by, ended_at, closed_from, after in streaks:
            told = explanation(connection, streak_id)
            assert told is not None
            text = render(told)
            assert "None" not in text, streak_id
            counting = [entry for entry in told.entries if entry.words.startswith("counts")]
            assert len(counting) == counted, streak_id
            marks = {mark for entry in told.entries for mark in entry.mark.split(" + ") if mark}
            found = {"limit": reached_at, "reset": ended_at, "closed": closed_from}
            assert marks == {mark for mark, at in found.items() if at}, streak_id
            assert ("Not yet" in text) == (ended_by is None)
            assert (f"Counted messages of the streak to a closed buyer: {after} (T-58)." in text) == (closed_from is not None)
    assert len(streaks) > 200


def test_every_limit_explains(built_homes: dict[str, Path]) -> None:
    home = built_homes["case101"]
    limits = query(home, "select shop_id, strftime(month, '%Y-%m'), limit_kind, exposures from marts.taobao_message_limits")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for shop, month, kind, exposures in limits:
            told = explanation(connection, f"taobao-limit-{shop}-{month}")
            assert told is not None
            assert sum(int(entry.words.split()[0]) for entry in told.entries) == exposures
            text = render(told)
            assert ("observed (T-62)" in text) == (kind == "continued")
            assert "None" not in text
    assert {kind for _, _, kind, _ in limits} == {"full", "continued"}


def test_a_continued_limit_as_printed(built_homes: dict[str, Path]) -> None:
    outcome = kefu("explain", "taobao-limit-s1-2022-04", "--home", built_homes["case101"])
    assert outcome.code == 0
    assert "  limit 限制     2022-04-08 to 2022-04-30, continued\n" in outcome.out
    assert "Its first 7 days: 30 prompts seen in time, of which 13.3% clicked (T-59): more than the 5% allowed" in outcome.out


def test_what_is_not_there(built_homes: dict[str, Path]) -> None:
    for identifier in ("taobao-streak-nothing", "taobao-limit-s1", "taobao-limit-s1-2020-01"):
        outcome = kefu("explain", identifier, "--home", built_homes["case101"])
        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err == f"kefu: no round {identifier} in --home {built_homes['case101']}\n"
