from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import kefu, warehouse

from orchestration.errors import KefuError
from orchestration.explain import conversation, explanation
from orchestration.explain.conversation import Happening, in_order
from orchestration.explain.rounds import Story
from orchestration.explain.tables import Clauses
from orchestration.explain.text import Entry, Explanation, clock, duration, render, shorten, table, without_quiet
from orchestration.landing.contract import platforms

pytestmark = pytest.mark.readers

DAY = date(2025, 9, 1)
RULES: dict[str, Any] = {
    "target": 180.0,
    "routing_lookback": timedelta(days=3),
    "round_scope": "account",
    "reply_scope": "human_only",
    "horizon_hours": 24,
}
CLAUSES = Clauses(
    round_scope="T-01",
    response_target_seconds="T-01",
    routing_lookback_days="T-09",
    hand_over="T-08",
    own_rounds="T-27",
    non_human_reply="T-06",
    system="T-06",
    greeting="T-02",
    recalled="T-23",
    no_consumer="T-16",
    card_click="T-22",
)


# Whole explanations, from the fixture


@pytest.mark.parametrize("platform", platforms())
def test_every_round_names_the_clauses_of_its_reasons(built_homes: dict[str, Path], platform: str) -> None:
    home = built_homes["case101"]
    clauses = dict(warehouse(home, f"select reason, clause_id from marts.exclusion_reasons where platform = '{platform}'"))
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select round_id, exclusion_reasons, evidence, first_reply_at from judged.int_judged_rounds where platform = $1",
            [platform],
        ).fetchall()
        for round_id, reasons, evidence, replied_at in found:
            told = explanation(connection, round_id)
            assert told is not None
            text = render(told)
            assert [finding["reason"] for finding in told.findings] == reasons, round_id
            assert [finding["evidence"] for finding in told.findings] == evidence, round_id
            for number, finding in enumerate(told.findings, start=1):
                title = f"{finding['title_en']} {finding['title_zh']} [{finding['reason']}]"
                assert f"    {number}. {clauses[finding['reason']]} {title}\n" in text
                assert f"\n       - {finding['evidence']}" in text
                assert finding["evidence"], (round_id, finding["reason"])
            marks = [entry.mark for entry in told.entries if entry.mark]
            assert sorted(" + ".join(marks).split(" + ")) == ["clock", "first question", *(["reply"] if replied_at else [])], (
                round_id
            )
            assert "None" not in text, round_id
    assert len(found) > 250


HAND_OVER = """\
Round 轮次 taobao-H-e0000468
  platform 平台           Tmall 天猫
  shop 店铺               s0
  customer 顾客           b2
  account 客服账号        s0:a2 (x, proxy 代理账号)
  conversation 会话       c0000461
  business date 业务日期  2022-02-04 Friday
  rules 规则版本          tmall@2021-03-01, in force since 2021-03-01 until 2022-02-28
  window 考核时间         08:00–24:00 (T-07)
  target 目标             reply within 180 s (T-01)

Timeline 时间线 (times without a date are of 2022-02-04)
                   08:59:59.500  b2 → s0:a0            question 咨询                                    image: he said "hi", ok
                   09:00:44.400  s0:a0 → b2            valid reply 有效回复                             image: line1⏎line2
                   09:00:46.400  routing 分流          to the offline pool 离线消息池: no human (T-09)
 first question >  09:03:45.400  b2 → s0:a0            question 咨询, waits for a human                 emoji: 亲,好评返现5元
          clock >  09:06:46.400  routing 分流 → s0:a2  hand-over 分流人工, takes over what waited       from the bot 机器人转人工
          reply >  09:09:46.400  s0:a2 → b2            valid reply 有效回复                             order_card: 😀,😀
                   09:12:45.400  b2 → s0:a2            question 咨询                                    image: 在吗?
                   09:15:46.400  s0:a2 → b2            valid reply 有效回复                             link: NULL

Verdict 结论
  Opened by
    The hand-over to s0:a2 at 09:06:46.400: it takes over what b2 asked at 09:03:45.400.
    It had to wait: since 09:00:46.400 no human was on the conversation (T-09).
    So the clock starts at the hand-over, not at the question (T-08).
    Nothing asked of s0:a2 earlier that day was still open.
  Answered by
    09:09:46.400 by the agent 人工客服 s0:a2, after 180.000 s (0:03:00).
    On time 及时: within 180 s (T-01).
  Counts 计入考核: as answered in time
    In the average response time 平响 it enters with the time it took, but 600 s at most (T-01).
"""

EXCLUDED = """\
Round 轮次 taobao-Q-m0005501
  platform 平台           Tmall 天猫
  shop 店铺               s1
  customer 顾客           b6
  account 客服账号        s1:a2 (x, proxy 代理账号)
  conversation 会话       c0005500
  business date 业务日期  2022-02-15 Tuesday
  rules 规则版本          tmall@2021-03-01, in force since 2021-03-01 until 2022-02-28
  window 考核时间         08:00–24:00 (T-07)
  target 目标             reply within 180 s (T-01)

Timeline 时间线 (times without a date are of 2022-02-15)
 first question + clock >  07:00:00.500  b6 → s1:a2            question 咨询                                                                    emoji: he said "hi", ok
                           07:02:59.500  routing 分流          to a bot 机器人接待: no human (T-09)
                           14:02:59.500  b6 → s1:a0            question 咨询, waits for a human                                                 link: 返 现
                           14:03:59.500  routing 分流 → s1:a0  hand-over 分流人工, takes over what waited                                       by priority reception 优先接待
                           14:07:00.500  s1:a0 → b6            valid reply 有效回复 (assist bot 智能辅助); recalled 撤回, still a reply (T-23)  work_order: a|b

Verdict 结论
  Opened by
    The question at 07:00:00.500 to s1:a2.
    Nothing asked of s1:a2 earlier that day was still open.
    The clock starts at the question (T-01): no routing event of the 3 days before took the conversation from humans.
  Answered by
    No valid reply of s1:a2 within 24 h, until 2022-02-16 07:00:00.500.
    s1:a0 replied at 14:07:00.500, but every account answers for itself (T-27).
  Does not count 不计入考核, for 4 reasons:
    1. T-03 Buyer blocked the shop 买家拉黑店铺 [buyer_blocked_shop]
       the buyer had blocked the shop so that it could not reply 买家拉黑店铺，商家无法回复
       - blocked from 2022-02-07 22:02:59.499 on, the time to answer ran out at 2022-02-15 07:03:00.5
    2. T-07 Daily assessment window 考核时间段 [outside_window]
       the clock started outside the assessment window 计时起点在考核时段之外
       - the clock started at 2022-02-15 07:00:00.5, the window is 08:00 to 24:00
    3. T-13 Chats between different merchants 不同商家间的对话 [other_merchant]
       a chat between different merchants 不同商家之间的聊天
       - message m0005501 came from other_merchant
    4. T-17 Sub-account deleted or disabled 子账号删除或停用 [account_disabled]
       the account that was asked had been deleted or disabled 被咨询的子账号已删除或停用
       - account s1:a2 disabled at 2022-02-14 10:04:05.003
"""  # noqa: E501

UNANSWERED = """\
Round 轮次 taobao-Q-m0000620
  platform 平台           Tmall 天猫
  shop 店铺               s1
  customer 顾客           b3
  account 客服账号        s1:a2 (x, proxy 代理账号)
  conversation 会话       c0000614
  business date 业务日期  2022-02-07 Monday
  rules 规则版本          tmall@2021-03-01, in force since 2021-03-01 until 2022-02-28
  window 考核时间         08:00–24:00 (T-07)
  target 目标             reply within 180 s (T-01)

Timeline 时间线 (times without a date are of 2022-02-07)
                           2022-02-04 08:30:00.999  b3 → s1:a1            question 咨询                       order_card: 在吗?
                           2022-02-04 08:33:01.000  s1:a1 → b3            valid reply 有效回复                text: he said "hi", ok
                                      08:33:01.001  routing 分流 → s1:a2  hand-over 分流人工                  by priority reception 优先接待
                                      08:33:03.001  routing 分流 → s1:a1  hand-over 分流人工                  by priority reception 优先接待
 first question + clock >             08:33:03.001  b3 → s1:a2            question 咨询                       order_card: NULL
                                      08:33:03.001  b3 → s1:a2            question 咨询                       text: '; drop table messages;--
                                      08:33:03.001  s1:a1 → b3            valid reply 有效回复                audio: tab
                                      08:36:03.002  b3 → s1:a2            recalled 撤回, asks nothing (T-23)  product_card: tab

Verdict 结论
  Opened by
    The question at 08:33:03.001 to s1:a2.
    Nothing asked of s1:a2 earlier that day was still open.
    The clock starts at the question (T-01): a human was on the conversation since 08:33:03.001 (hand-over 分流人工).
  Answered by
    No valid reply of s1:a2 within 24 h, until 2022-02-08 08:33:03.001.
    s1:a1 replied at 08:33:03.001, but every account answers for itself (T-27).
  Counts 计入考核: as not answered in time
    In the average response time 平响 it is left out, being unanswered (T-01).
"""  # noqa: E501


BOTS_REPLIED = """\
Round 轮次 kuaishou-Q-m0004851
  platform 平台           Kuaishou 快手
  shop 店铺               s2
  customer 顾客           u5
  account 客服账号        none 无
  conversation 会话       c0004849
  business date 业务日期  2022-02-13 Sunday
  rules 规则版本          kuaishou@2021-09-01, in force since 2021-09-01 until 2022-10-04
  window 考核时间         08:00–24:00 (K-01)
  replies 回复            of bots and humans 智能客服+人工客服 (K-02)
  target 目标             reply within 180 s (K-03)

Timeline 时间线 (times without a date are of 2022-02-13)
                           00:00:00.000  routing 分流  routing, meant nothing yet (K-02)
 first question + clock >  00:03:00.000  u5 → shop     question 咨询                      image: '; drop table messages;--
                           00:03:00.500  u5 → shop     question 咨询                      text: '; drop table messages;--
                  reply >  00:06:01.500  bot → u5      bot 智能客服, a reply then (K-02)  text: NULL
                           00:06:02.500  s2:a2 → u5    valid reply 有效回复               text: line1⏎line2

Verdict 结论
  Opened by
    The question at 00:03:00.000 to the shop.
    Nothing asked of the shop earlier that day was still open.
    The clock starts at the question (K-03): nobody waited for a human (K-02).
  Answered by
    00:06:01.500 by the bot 智能客服, after 181.500 s (0:03:01).
    Late 超时: not within 180 s (K-03).
  Does not count 不计入考核, for 1 reason:
    1. K-01 Assessment window 考核服务时间 [outside_window]
       the clock started outside the assessment window 计时起点在考核时段之外
       - the clock started at 2022-02-13 00:03:00, the window is 08:00 to 24:00
"""


@pytest.mark.parametrize(
    "expected", [HAND_OVER, EXCLUDED, UNANSWERED, BOTS_REPLIED], ids=["hand-over", "excluded", "unanswered", "bots-replied"]
)
def test_explanation_as_printed(built_homes: dict[str, Path], expected: str) -> None:
    round_id = expected.split()[2]
    outcome = kefu("explain", round_id, "--home", built_homes["case101"])
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == expected


def test_an_unanswered_round_is_left_out_of_the_mean_before_the_rules_gave_it_a_time(built_homes: dict[str, Path]) -> None:
    home = built_homes["irc-support"]
    unanswered = (
        "select round_id from judged.int_judged_rounds where is_counted and first_reply_at is null and rule_version = 'tmall'"
    )
    ((round_id,), *_) = warehouse(home, f"{unanswered} order by round_id")
    told = kefu("explain", round_id, "--home", home).out
    assert "    In the average response time 平响 it is left out, being unanswered (T-01).\n" in told


# In Chinese

ONE_OF_EVERY_KIND = """
with rounds as (select * from judged.int_judged_rounds),

sessions as (select 'xiaohongshu-' || session_id as id, * from marts.xiaohongshu_sessions),

ratings as (
    select 'taobao-card-' || card_id as id, c.trigger as channel, j.is_counted, j.exclusion_reasons, j.is_satisfied
    from staging.taobao_rating_cards c
    left join judged.int_taobao__judged_ratings j using (card_id)
    union all
    select 'kuaishou-card-' || card_id, c.channel, j.is_counted, j.exclusion_reasons, j.is_satisfied
    from staging.kuaishou_rating_cards c
    left join judged.int_kuaishou__judged_ratings j using (card_id)
),

entries as (
    select 'taobao-entry-' || entry_id as id, outcome, not_eligible_reason, prompt_suppressed_by, prompt_shown, routed_kind,
        prompt_as_expected, routed_as_expected, is_double_priority, expected_prompt_text_key, expected_prompt_kind, entry_point
    from metrics.int_taobao__priority_receptions
    join metrics.int_taobao__priority_conditions using (entry_id)
)

select min(round_id) from rounds group by platform, rule_version, is_counted, is_on_time, is_waiting, reply_kind
union
select min(round_id) from (select platform, round_id, unnest(exclusion_reasons) as reason from rounds) group by platform, reason
union
select platform || '-conversation-' || min(conversation_id) from rounds where platform <> 'xiaohongshu'
group by platform, is_counted, is_on_time, first_reply_at is null, len(exclusion_reasons)
union
select min(id) from sessions group by is_counted, first_reply_at is null, stars is null, ended_at is null, reply_intervals > 0
union
select min(id) from (select id, unnest(exclusion_reasons) as reason, is_counted from sessions) group by reason, is_counted
union
select min(id) from ratings group by starts_with(id, 'taobao'), channel, is_counted, is_satisfied
union
select min(id) from (select id, unnest(exclusion_reasons) as reason from ratings) group by starts_with(id, 'taobao'), reason
union
select 'taobao-card-' || min(card_id) from judged.int_taobao__rating_invites group by expected
union
select 'taobao-card-' || min(card_id) from judged.int_taobao__rating_submissions group by change_number, is_effective
union
select 'taobao-card-' || min(card_id) from judged.int_taobao__rating_recoveries group by is_recovered, is_editable, edits_left
union
select min(id) from entries group by all
union
select min(streak_id) from marts.taobao_message_streaks group by ended_by, closed_from is null, reached_limit_at is null
union
select 'taobao-limit-' || shop_id || '-' || strftime(min(month), '%Y-%m') from marts.taobao_message_limits
group by shop_id, limit_kind
union
select platform || '/' || min(shop_id || '/' || period_end) || '/' || metric from marts.service_metrics
where subject = 'shop' and period = 'day' group by platform, metric, is_met
union
select platform || '/' || min(shop_id || '/' || period_end) || '/' || metric from metrics.int_reconciliation
group by platform, metric, period, status
"""
SENTENCE = re.compile(r"(?<![\w-])(?!kefu )[A-Za-z]+ [A-Za-z]+(?![\w-])")  # two words in a row, but for commands and ids


def test_in_chinese_no_english_sentence_is_left(built_homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "zh")
    monkeypatch.setattr("orchestration.explain.text.shorten", lambda _: "")  # what people wrote is in their language
    for fixture in ("case101", "irc-support"):
        home = built_homes[fixture]
        given = [identifier for (identifier,) in warehouse(home, ONE_OF_EVERY_KIND) if identifier]
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
            for identifier in given:
                told = explanation(connection, identifier)
                assert told is not None, identifier
                assert SENTENCE.findall(render(told)) == [], identifier
        assert len(given) > 30
        nothing = ["nothing", "taobao-Q-nothing", "taobao/s1/2022-02-08/nothing", "jd/s1/2022-02-08/nothing"]
        for identifier in [*nothing, "taobao/nobody/2022-02-08/response_rate_3min"]:
            outcome = kefu("explain", identifier, "--home", home)
            assert (outcome.code, SENTENCE.findall(outcome.err)) == (1, []), outcome.err


# What can go wrong


@pytest.mark.parametrize(
    ("round_id", "sentence"),
    [
        ("taobao-Q-nothing", "kefu: no round taobao-Q-nothing in --home {home}\n"),
        ("taobao", "kefu: taobao is the id of nothing in --home {home}: `kefu explain --help` says what can be explained\n"),
        ("m0000003", "kefu: m0000003 is the id of nothing in --home {home}: "),
    ],
)
def test_unknown_round(built_homes: dict[str, Path], round_id: str, sentence: str) -> None:
    home = built_homes["case101"]
    outcome = kefu("explain", round_id, "--home", home)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(sentence.format(home=home))
    assert outcome.err.count("\n") == 1


def test_missing_home(tmp_path: Path) -> None:
    home = tmp_path / "nowhere"
    outcome = kefu("explain", "taobao-Q-m1", "--home", home)
    assert outcome.code == 1
    assert outcome.err == f"kefu: --home {home} holds no warehouse: run kefu build first\n"
    assert not home.exists()


def test_home_before_its_first_round(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    outcome = kefu("explain", "taobao-Q-m1", "--home", tmp_path)
    assert outcome.code == 1
    assert outcome.err == f"kefu: --home {tmp_path} holds no rounds yet: run kefu build first\n"


def test_warehouse_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_text("text" * 5000)
    outcome = kefu("explain", "taobao-Q-m1", "--home", tmp_path)
    assert outcome.code == 1
    assert outcome.err.startswith(f"kefu: {tmp_path}/warehouse.duckdb cannot be opened: ")
    assert outcome.err.count("\n") == 1


def test_warehouse_that_a_build_is_writing_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.home.READER_PATIENCE_SECONDS", 0.5)
    warehouse_file = tmp_path / "warehouse.duckdb"
    hold = f"import duckdb; connection = duckdb.connect({str(warehouse_file)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        outcome = kefu("explain", "taobao-Q-m1", "--home", tmp_path)
        holder.communicate("\n")
    assert outcome.code == 1
    waited, told = outcome.err.splitlines()
    assert waited == "waiting: warehouse.duckdb is held open by another program"
    assert told.startswith(f"kefu: {warehouse_file} cannot be opened: ")


# The story of a round, without a database


def at(time: str, day: int = 1) -> datetime:
    return datetime.fromisoformat(f"2025-09-{day:02} {time}")


def happening(kind: str | None, when: datetime, account: str | None = "a", identifier: str = "") -> Happening:
    rank = {"Q": 1, "R": 2, "B": 2}.get(kind or "", 0)
    name = identifier or f"{kind}{when:%d%H%M%S}"
    author = {"R": "agent", "B": "full-auto bot"}.get(kind or "", "")
    return Happening(when, "who", str(kind), "what", id=name, rank=rank, kind=kind, account_id=account, author=author)


def story(happenings: list[Happening], kind: str, clock: datetime, **more: Any) -> Story:
    first, reply = more.get("first", clock), more.get("reply")
    reply_kind = more.get("reply_kind", "R") if reply else None
    row = RULES | {
        "platform": "taobao",
        "round_id": f"taobao-{kind}-{kind}{clock:%d%H%M%S}",
        "customer_id": "b",
        "business_date": clock.date(),
        "clock_started_at": clock,
        "first_message_id": f"Q{first:%d%H%M%S}",
        "first_reply_id": f"{reply_kind}{reply:%d%H%M%S}" if reply else None,
        "reply_kind": reply_kind,
        "is_waiting": more.get("is_waiting", False),
        "has_waited": more.get("is_waiting", False) or kind == "H",
        "account_id": "a",
        "is_on_time": reply is not None and reply - clock <= timedelta(seconds=180),
        "ends_at": clock + timedelta(hours=24),
        "as_of": more.get("as_of"),
    }
    return Story(
        row, in_order(happenings), CLAUSES, sorted([row, *more.get("others", [])], key=lambda one: one["clock_started_at"])
    )


def other(clock: datetime, reply: datetime | None, account: str = "a") -> dict[str, Any]:
    return {
        "round_id": f"taobao-Q-Q{clock:%d%H%M%S}",
        "account_id": account,
        "clock_started_at": clock,
        "first_reply_at": reply,
        "business_date": clock.date(),
        "first_message_id": f"Q{clock:%d%H%M%S}",
        "has_waited": False,
    }


def test_rows_that_changed_after_the_round_was_computed() -> None:
    with pytest.raises(KefuError, match="what taobao-Q-Q01100000 was computed from has changed since: run kefu build first"):
        story([], "Q", at("10:00:00"))


@pytest.mark.parametrize("column", ["first_message_id", "first_reply_id"])
def test_a_round_whose_messages_changed_since_the_build(built_homes: dict[str, Path], tmp_path: Path, column: str) -> None:
    shutil.copy(built_homes["case101"] / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(
            f"update judged.int_judged_rounds set {column} = 'm1' where round_id = 'taobao-H-e0000468'",
        )
    outcome = kefu("explain", "taobao-H-e0000468", "--home", tmp_path)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "kefu: what taobao-H-e0000468 was computed from has changed since: run kefu build first\n"


def test_a_platform_of_which_python_knows_nothing(built_homes: dict[str, Path], tmp_path: Path, monkeypatch: Any) -> None:
    """Its rounds are those of Kuaishou, its messages have not landed where the contract says, nothing names its clauses."""
    shutil.copy(built_homes["case101"] / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for relation in ("judged.int_judged_rounds", "items.int_shops", "marts.exclusion_reasons", "build.as_of"):
            of_jd = f"select * replace ('jd' as platform) from {relation} where platform = 'kuaishou'"
            connection.execute(f"insert into {relation} by name ({of_jd})")
        connection.execute("update judged.int_judged_rounds set round_id = replace(round_id, 'kuaishou', platform)")
        connection.execute("create view items.int_jd__items as select * from items.int_kuaishou__items")
    monkeypatch.setattr("orchestration.explain.platforms", lambda: (*platforms(), "jd"))
    outcome = kefu("explain", "jd-Q-m0004851", "--home", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert "  Answered by\n    00:06:01.500" in outcome.out
    assert "       - the clock started at 2022-02-13 00:03:00, the window is 08:00 to 24:00\n" in outcome.out


def told_words(kinds: str, *rounds: tuple[str, int, bool]) -> list[str]:
    """A minute for each kind of happening. The rounds: the kind and minute of the clock, and whether what it is of waited."""
    happenings = [happening(kind, at(f"10:0{minute}:00")) for minute, kind in enumerate(kinds)]
    (kind, minute, is_waiting), *rest = rounds
    others = [other(at(f"10:0{minute}:00"), None) | {"has_waited": has_waited} for _, minute, has_waited in rest]
    told = story(happenings, kind, at(f"10:0{minute}:00"), is_waiting=is_waiting, others=others)
    return [entry.words for entry in told.entries()]


def test_questions_wait_until_a_human_comes_or_a_bot_answers() -> None:
    waits = "Q, waits for a human"
    assert told_words("QNQQHQ", ("Q", 0, False), ("Q", 2, True)) == ["Q", "N", waits, waits, "H", "Q"]
    assert told_words("NQBQQRQ", ("Q", 1, True), ("Q", 3, True), ("Q", 6, False)) == ["N", waits, "B", waits, waits, "R", "Q"]
    assert told_words("NQNQ", ("Q", 1, True)) == ["N", waits, "N", waits]


def test_a_question_waits_only_where_its_round_says_so() -> None:
    assert told_words("NQQ", ("Q", 1, False)) == ["N", "Q", "Q"]


def test_a_hand_over_takes_over_what_a_round_was_made_of() -> None:
    conversation = [happening(kind, at(f"10:0{minute}:00")) for minute, kind in enumerate("NQHQH")]
    told = story(conversation, "H", at("10:02:00"), first=at("10:01:00"))
    assert [entry.words for entry in told.entries()] == [
        "N",
        "Q, waits for a human",
        "H, takes over what waited",
        "Q",
        "H",
    ]


def test_at_the_same_time_routing_comes_first_and_replies_last() -> None:
    now = at("10:00:00")
    order = [one.kind for one in in_order([happening("R", now), happening("Q", now), happening("H", now)])]
    assert order == ["H", "Q", "R"]


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (at("10:00:00", 4), "a human was on the conversation since 2025-09-01 10:00:00.000 (R)"),
        (at("10:00:01", 4), "no routing event of the 3 days before took the conversation from humans"),
    ],
)
def test_routing_is_looked_back_upon_for_so_long_only(question: datetime, why: str) -> None:
    told = story([happening("R", at("10:00:00")), happening("Q", question)], "Q", question)
    assert told.opening()[2] == f"The clock starts at the question (T-01): {why}."


def test_opened_by_the_first_question() -> None:
    told = story([happening("Q", at("10:00:00")), happening("R", at("10:00:46"))], "Q", at("10:00:00"), reply=at("10:00:46"))
    assert told.opening() == [
        "The question at 10:00:00.000 to a.",
        "Nothing asked of a earlier that day was still open.",
        "The clock starts at the question (T-01): no routing event of the 3 days before took the conversation from humans.",
    ]
    assert told.answer() == ["10:00:46.000 by the agent a, after 46.000 s.", "On time 及时: within 180 s (T-01)."]


def test_opened_again_after_a_reply() -> None:
    conversation = [happening(kind, at(f"10:0{minute}:00")) for minute, kind in enumerate("HQRQR")]
    others = [other(at("10:01:00"), at("10:02:00")), other(at("10:02:30"), None, "z"), other(at("10:03:30"), None)]
    assert story(conversation, "Q", at("10:03:00"), reply=at("10:04:00"), others=others).opening()[1:] == [
        "What was asked of a at 10:01:00.000 was answered at 10:02:00.000 (taobao-Q-Q01100100).",
        "The clock starts at the question (T-01): a human was on the conversation since 10:02:00.000 (R).",
    ]


def test_opened_in_another_part_of_the_day() -> None:
    conversation = [happening("Q", at("22:58:00")), happening("Q", at("23:30:00")), happening("R", at("08:59:00", 2))]
    others = [other(at("22:58:00"), at("08:59:00", 2))]
    told = story(conversation, "Q", at("23:30:00"), reply=at("08:59:00", 2), others=others)
    assert told.opening()[1] == (
        "What was asked of a at 22:58:00.000 has a round of its own, as each part of the day has, and what waits for a human "
        "(taobao-Q-Q01225800)."
    )
    assert told.answer() == [
        "2025-09-02 08:59:00.000 by the agent a, after 34,140.000 s (9:29:00).",
        "Late 超时: not within 180 s (T-01).",
    ]


def test_opened_by_a_hand_over() -> None:
    conversation = [happening(kind, at(f"10:0{minute}:00")) for minute, kind in enumerate("NQQHR")]
    told = story(conversation, "H", at("10:03:00"), first=at("10:01:00"), reply=at("10:04:00"))
    assert told.opening() == [
        "The hand-over to a at 10:03:00.000: it takes over what b asked at 10:01:00.000.",
        "It had to wait: since 10:00:00.000 no human was on the conversation (T-09).",
        "So the clock starts at the hand-over, not at the question (T-08).",
        "Nothing asked of a earlier that day was still open.",
    ]
    assert [entry.mark for entry in told.entries()] == ["", "first question", "", "clock", "reply"]


@pytest.mark.parametrize(
    ("reply", "why", "answer"),
    [
        ("B", "the full-auto bot answered it first", "It came within 180 s (T-01), but it is no valid reply."),
        ("R", "a reply came without a hand-over", "On time 及时: within 180 s (T-01)."),
    ],
)
def test_answered_while_waiting(reply: str, why: str, answer: str) -> None:
    conversation = [happening(kind, at(f"10:0{minute}:00")) for minute, kind in enumerate(f"NQ{reply}")]
    told = story(conversation, "Q", at("10:01:00"), reply=at("10:02:00"), reply_kind=reply, is_waiting=True)
    assert told.opening()[2] == f"The clock stays at the question: {why}."
    assert told.answer()[1] == answer


def test_never_taken_over() -> None:
    conversation = [happening("N", at("10:00:00")), happening("Q", at("10:01:00"))]
    told = story(conversation, "Q", at("10:01:00"), as_of=at("00:00:00", 2), is_waiting=True)
    assert told.opening()[2] == "The clock stays at the question: no human took it over."
    assert told.answer() == [
        "No valid reply within 24 h, until 2025-09-02 10:01:00.000.",
        "Data has landed up to 2025-09-02 00:00:00.000 only: a reply may still come.",
    ]


def test_another_account_replied() -> None:
    conversation = [happening("Q", at("10:00:00")), happening("H", at("10:01:00"), "z"), happening("R", at("10:02:00"), "z")]
    assert story(conversation, "Q", at("10:00:00"), as_of=at("00:00:00", 9)).answer() == [
        "No valid reply of a within 24 h, until 2025-09-02 10:00:00.000.",
        "z replied at 10:02:00.000, but every account answers for itself (T-27).",
    ]


# What a message is to a round


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"kind": "Q"}, "question 咨询"),
        ({"type": "card_click"}, "asks nothing (T-22)"),
        ({"author": "system"}, "not by a consumer, asks nothing (T-16)"),
        ({"is_recalled": True}, "recalled 撤回, asks nothing (T-23)"),
        ({"rank": 2, "kind": "R", "author": "agent"}, "valid reply 有效回复"),
        (
            {"rank": 2, "kind": "R", "author": "assist_bot", "is_recalled": True},
            "valid reply 有效回复 (assist bot 智能辅助); recalled 撤回, still a reply (T-23)",
        ),
        ({"rank": 2, "kind": "B", "author": "auto_bot"}, "full-auto bot 全自动机器人, no reply (T-06)"),
        ({"rank": 2, "author": "greeting"}, "greeting 自动问候语, no reply (T-02)"),
        ({"rank": 2, "author": "system"}, "system message 系统消息, no reply (T-06)"),
        ({"rank": 0, "kind": "H", "type": "assigned"}, "hand-over 分流人工"),
        ({"rank": 0, "kind": "N", "type": "pooled"}, "to the offline pool 离线消息池: no human (T-09)"),
    ],
)
def test_words(row: dict[str, object], words: str) -> None:
    text = {"rank": 1, "kind": None, "author": "consumer", "type": "text", "is_recalled": False}
    told = text | row
    assert conversation.words(told, CLAUSES, bots_reply=False) == words


# Layout


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, ""),
        ("在吗?", "在吗?"),
        ("line1\nline2\r\nline3", "line1⏎line2⏎line3"),
        ("\ufeffbom\t\x1b[31mred", "bom  [31mred"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("好" * 31, "好" * 29 + "…"),
        ("x" * 1_000_000, "x" * 59 + "…"),
    ],
)
def test_shorten(content: str | None, line: str) -> None:
    assert shorten(content) == line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.000 s"),
        (0.999, "0.999 s"),
        (59.9994, "59.999 s"),
        (200, "200.000 s (0:03:20)"),
        (86_400, "86,400.000 s (1 day, 0:00:00)"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_times() -> None:
    assert clock(at("09:00:00.5"), DAY) == "09:00:00.500"
    assert clock(at("09:00:00", 2), DAY) == "2025-09-02 09:00:00.000"
    assert clock(at("09:00:00")) == "2025-09-01 09:00:00.000"


def test_table_aligns_chinese() -> None:
    assert table([("a", "b"), ("会话", "c")]) == ["a     b", "会话  c"]
    assert table([("a", "b"), ("会话", "c")], right=(0,)) == ["   a  b", "会话  c"]
    assert table([("é e\u0301 😀", "b"), ("123456", "c")]) == ["é e\u0301 😀  b", "123456  c"]


def entries(count: int, matters: set[int], day: date = DAY) -> list[Entry]:
    start = datetime.combine(day, datetime.min.time())
    return [Entry(start + timedelta(minutes=i), "who", "words", str(i), matters=i in matters) for i in range(count)]


def shape(count: int, matters: set[int], day: date = DAY) -> list[str]:
    return [entry.what.split(",")[0] for entry in without_quiet(entries(count, matters, day), DAY)]


def test_long_quiet_parts_are_left_out() -> None:
    assert shape(20, {3, 16}) == ["0", "1", "2", "3", "4", "5", "6", "6 more", "13", "14", "15", "16", "17", "18", "19"]


def test_short_quiet_parts_stay() -> None:
    assert shape(11, {0, 10}) == [str(i) for i in range(11)]


def test_the_rest_of_other_days_is_not_mentioned() -> None:
    assert shape(20, {10}, day=date(2025, 8, 31)) == [str(i) for i in range(7, 14)]
    assert shape(20, {10}) == ["7 more", "7", "8", "9", "10", "11", "12", "13", "6 more"]


def test_left_out_part_as_printed() -> None:
    text = render(Explanation("Round", [("shop", "s")], DAY, entries(14, {0}), [("Counts", [])]))
    assert text.splitlines()[4:9] == [
        "   00:00:00.000  who  words  0",
        "   00:01:00.000  who  words  1",
        "   00:02:00.000  who  words  2",
        "   00:03:00.000  who  words  3",
        "   00:04:00.000  …    …      10 more, to 00:13:00.000",
    ]
