from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from harness import kefu, query, warehouse

from orchestration.explain import explanation
from orchestration.explain.text import render

pytestmark = pytest.mark.readers


@pytest.mark.parametrize("fixture", ["case101", "irc-support"])
def test_every_session_explains(built_homes: dict[str, Path], fixture: str) -> None:
    home = built_homes[fixture]
    clauses = dict(warehouse(home, "select reason, clause_id from marts.exclusion_reasons where platform = 'xiaohongshu'"))
    sessions = query(
        home,
        "select session_id, exclusion_reasons, is_counted, first_reply_at, reply_intervals from marts.xiaohongshu_sessions",
    )
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for session_id, reasons, is_counted, replied_at, intervals in sessions:
            told = explanation(connection, f"xiaohongshu-{session_id}")
            assert told is not None
            text = render(told)
            assert [finding["reason"] for finding in told.findings] == reasons, session_id
            for number, finding in enumerate(told.findings, start=1):
                title = f"{finding['title_en']} {finding['title_zh']} [{finding['reason']}]"
                assert f"    {number}. {clauses[finding['reason']]} {title}\n" in text
                assert finding["evidence"], (session_id, finding["reason"])
            marks = {entry.mark for entry in told.entries if entry.mark}
            assert "clock" in marks and ("first reply" in marks) == (replied_at is not None), session_id
            assert ("handed on" in marks) == ("taken_over_unanswered" in reasons), session_id
            assert ("Does not count" in text) != is_counted, session_id
            assert text.count("Asked at ") == intervals, session_id
            lines = [sentence for _, sentences in told.verdict for sentence in sentences] + [value for _, value in told.header]
            assert [line for line in lines if "None" in line] == [], session_id
    assert len(sessions) > 200


def test_a_session_by_its_id_alone(built_homes: dict[str, Path]) -> None:
    home = built_homes["case101"]
    told = [kefu("explain", identifier, "--home", home) for identifier in ("c0001514", "xiaohongshu-c0001514")]
    assert [outcome.code for outcome in told] == [0, 0]
    assert told[0].out == told[1].out
    assert told[0].out.startswith("Session 进线 xiaohongshu-c0001514\n")


def test_a_session_that_is_not_there(built_homes: dict[str, Path]) -> None:
    home = built_homes["case101"]
    outcome = kefu("explain", "xiaohongshu-nothing", "--home", home)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"kefu: no round xiaohongshu-nothing in --home {home}\n"


def test_a_round_of_a_session(built_homes: dict[str, Path]) -> None:
    outcome = kefu("explain", "xiaohongshu-Q-m0002734", "--home", built_homes["case101"])
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Round 轮次 xiaohongshu-Q-m0002734\n")
    assert "    2022-02-09 13:04:18.999 by the agent 人工客服 s2:a0, after 181.000 s (0:03:01).\n" in outcome.out


def test_a_session_whose_messages_changed_since_the_build(built_homes: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(built_homes["case101"] / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(
            """
            update judged.int_xiaohongshu__judged_sessions set first_reply_at = first_reply_at + interval 1 second
            where session_id = 'c0001514'
            """
        )
    outcome = kefu("explain", "xiaohongshu-c0001514", "--home", tmp_path)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "kefu: what xiaohongshu-c0001514 was computed from has changed since: run kefu build first\n"
