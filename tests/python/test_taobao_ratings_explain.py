from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from harness import kefu, query, warehouse

from orchestration.explain import explanation, taobao_ratings
from orchestration.explain.text import render

pytestmark = pytest.mark.readers

CHANGED = """\
Rating card 评价卡片 taobao-card-r0000247
  platform 平台           Tmall 天猫
  shop 店铺               s1
  buyer 买家              b2
  account 客服账号        s1:a0 (x, main 主账号)
  business date 业务日期  2022-02-03 Thursday
  card 卡片               sent by hand 手动邀评

Timeline 时间线 (times without a date are of 2022-02-03)
                      12:00:00.001  s1:a0 → b2  card sent 发送卡片     sent by hand 手动邀评
                      12:00:30.001  b2          first rating 首次评价  2 neutral 一般
 stands >  2022-02-04 12:00:30.001  b2          change 修改 1          2 neutral 一般

Verdict 结论
  Rated 评价
    First with 2 neutral 一般, at 2022-02-03 12:00:30.001: it belongs to that day (T-36).
    Changed 1 time, 1 with effect: up to 5 within 24 h have one (T-33).
    What stands is 2 neutral 一般 (T-31): not satisfied (T-35).
  Won back 挽回
    It was not won back; as of 2022-09-06 00:00:00.000 it can no longer be changed: 4 changes left, until 2022-02-04 12:00:30.001 (T-38).
    No second-line account 二线客服 was online when it was first rated (T-39).
  Invitation 邀评
    Only the system may invite by then; it counts all the same (T-40).
  Counts 计入考核
    In the satisfaction rate 满意度 of 2022-02-03 it enters as not satisfied (T-35).
"""  # noqa: E501


@pytest.mark.parametrize("fixture", ["case101", "case103"])
def test_every_card_explains(built_homes: dict[str, Path], fixture: str) -> None:
    home = built_homes[fixture]
    clauses = dict(warehouse(home, "select reason, clause_id from marts.exclusion_reasons where platform = 'taobao'"))
    ratings = {
        card_id: (reasons, submissions)
        for card_id, reasons, submissions in query(
            home, "select card_id, exclusion_reasons, submissions from marts.taobao_ratings"
        )
    }
    recoveries = {card_id for (card_id,) in query(home, "select card_id from marts.taobao_rating_recoveries")}
    cards = [card_id for (card_id,) in warehouse(home, "select card_id from staging.taobao_rating_cards")]
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for card_id in cards:
            told = explanation(connection, f"taobao-card-{card_id}")
            assert told is not None
            text = render(told)
            reasons, submissions = ratings.get(card_id, ([], 0))
            assert [finding["reason"] for finding in told.findings] == reasons, card_id
            for number, finding in enumerate(told.findings, start=1):
                assert f"    {number}. {clauses[finding['reason']]} {finding['title_en']} " in text
                assert finding["evidence"], (card_id, finding["reason"])
            assert len(told.entries) == 1 + submissions, card_id
            assert [entry.mark for entry in told.entries if entry.mark] == (["stands"] if submissions else []), card_id
            assert ("Won back 挽回" in text) == (card_id in recoveries), card_id
            assert ("  Counts 计入考核" in text) == (submissions > 0 and not reasons), card_id
            assert ("Nobody rated it" in text) == (submissions == 0), card_id
            assert "None" not in text.replace("None was due", ""), card_id
    assert len(ratings) > 80 and len(cards) > len(ratings)


def test_a_changed_rating_as_printed(built_homes: dict[str, Path]) -> None:
    outcome = kefu("explain", CHANGED.split()[3], "--home", built_homes["case101"])
    assert (outcome.code, outcome.out, outcome.err) == (0, CHANGED, "")


@pytest.mark.parametrize(
    "before",
    [
        "delete from judged.int_taobao__rating_submissions where card_id = 'r0000247' and change_number = 1",
        "update judged.int_taobao__rating_submissions set eval_code = 0 where card_id = 'r0000247' and change_number = 1",
        "update judged.int_taobao__rating_submissions set submission_id = 's1' where card_id = 'r0000247'",
    ],
    ids=["one-more-landed", "another-code-landed", "gone"],
)
def test_submissions_that_landed_since_the_build(built_homes: dict[str, Path], tmp_path: Path, before: str) -> None:
    shutil.copy(built_homes["case101"] / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(before)
    outcome = kefu("explain", "taobao-card-r0000247", "--home", tmp_path)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "kefu: what taobao-card-r0000247 was computed from has changed since: run kefu build first\n"


def test_what_came_too_late_and_what_was_one_too_many() -> None:
    first = {"first_rated_at": datetime(2024, 3, 4, 10), "rating_edit_limit": datetime(2024, 3, 5) - datetime(2024, 3, 4)}
    at_the_limit = {"change_number": 6, "submitted_at": datetime(2024, 3, 5, 10)}
    later = {"change_number": 1, "submitted_at": datetime(2024, 3, 5, 10, 0, 1)}
    assert taobao_ratings.without_effect(at_the_limit, first) == "Change 6 came one too many: no effect (T-33)."
    assert taobao_ratings.without_effect(later, first) == (
        "Change 1 came 86,401.000 s (1 day, 0:00:01) after the first: no effect (T-33)."
    )


def test_a_card_that_is_not_there(built_homes: dict[str, Path]) -> None:
    home = built_homes["case101"]
    outcome = kefu("explain", "taobao-card-nothing", "--home", home)
    assert (outcome.code, outcome.out, outcome.err) == (1, "", f"kefu: no round taobao-card-nothing in --home {home}\n")
