"""`kefu import`: every sheet that is known gives its figures, nothing of one is lost unsaid, and no file breaks it."""

from __future__ import annotations

import csv as csv_files
import io
import random
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import made_sheets as made
import pytest
from harness import Outcome, build, kefu, query, warehouse

from orchestration.home import PROJECT
from orchestration.imports.sheets import known

HERE = Path(__file__).parent
MAPPING = PROJECT / "docs" / "import" / "taobao-messages.yml"
Row = dict[str, str]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return made.landing_with_names(tmp_path / "landing")


def imported(landing: Path, *arguments: object) -> Outcome:
    """`kefu import` that has to succeed."""
    outcome = kefu("import", *arguments, "--landing", landing)
    assert outcome.code == 0, outcome.err + outcome.out
    return outcome


def refused(landing: Path, *arguments: object) -> str:
    """What `kefu import` says, in one line, of what it does not take."""
    outcome = kefu("import", *arguments, "--landing", landing)
    assert outcome.code == 1, outcome.out
    assert outcome.err.startswith("kefu: ") and outcome.err.count("\n") == 1, outcome.err
    return outcome.err


def rows(landing: Path, table: str) -> list[Row]:
    """The rows of a table's imports, in the order in which they land."""
    found: list[Row] = []
    for path in sorted(landing.glob(f"{table}/dt=*/import-*.csv")):
        found += csv_files.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    return found


def figures(landing: Path, platform: str = "taobao", **of: str) -> list[tuple[str, ...]]:
    wanted = ("account_id", "metric", "period", "period_end", "numerator", "denominator", "value")
    found = [row for row in rows(landing, f"{platform}/official_metrics") if all(row[key] == value for key, value in of.items())]
    return [tuple(row[column] for column in wanted) for row in found]


def texts(landing: Path, sheet: str, platform: str = "taobao", **of: str) -> dict[str, str]:
    found = [row for row in rows(landing, f"{platform}/official_sheets") if row["sheet"] == sheet]
    return {row["column_name"]: row["value"] for row in found if all(row[key] == value for key, value in of.items())}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- the sheets


def test_reception_by_day_knows_its_shop_days_and_rows_below(landing: Path, tmp_path: Path) -> None:
    above = [["店铺：小熊旗舰店"], ["导出时间：2026-05-05"]]
    sheet = made.xlsx(tmp_path / "咨询接待_2026-05-05.xlsx", [*above, *made.reception_by_day()])
    outcome = imported(landing, sheet)
    assert len(figures(landing, period="day")) == 60
    assert [row[1:4] for row in figures(landing, period="calendar_month")] == [
        ("avg_response_seconds", "calendar_month", "2026-04-30"),
        ("response_rate_3min", "calendar_month", "2026-04-30"),
    ]
    assert all(0.9 <= float(row[6]) <= 1 for row in figures(landing, metric="response_rate_3min"))
    assert all(11 <= float(row[6]) <= 40 for row in figures(landing, metric="avg_response_seconds"))
    assert texts(landing, "咨询接待", period_end="2026-04-01", period_start="2026-04-01")["答问比"] == "125.00%"
    assert len(texts(landing, "咨询接待 平均值")) == 21
    assert texts(landing, "咨询接待 同行均值")["咨询人数"] == "-"
    assert "row 35: 平均值 is an average" in outcome.out
    assert kefu("check", landing).code == 0


def test_reception_by_account_maps_nicknames_and_tells_who_is_unknown(landing: Path, tmp_path: Path) -> None:
    names = ["小熊旗舰店:小美", "小丽", "tb-1-m", "小新"]
    sheet = made.xlsx(tmp_path / "sheet.xlsx", made.reception_by_account(names))
    outcome = imported(landing, sheet, "--period", "2026-04-13~2026-04-19")
    assert {row[0] for row in figures(landing, period="week")} == {"tb-1-a", "tb-1-b", "tb-1-m", ""}
    assert (
        "row 5: no account of tb-1 is called 小新: add a row to taobao/account_aliases (shop_id tb-1, alias 小新," in outcome.out
    )
    assert texts(landing, "咨询接待", account_id="tb-1-a")["旺旺分组"] == "售前组"

    alias = landing / "taobao" / "account_aliases" / "dt=2026-04-02" / "more.csv"
    alias.parent.mkdir()
    alias.write_text("shop_id,alias,account_id\ntb-1,小新,tb-1-c\n", encoding="utf-8")
    imported(landing, sheet, "--period", "2026-04-13~2026-04-19")
    assert "tb-1-c" in {row[0] for row in figures(landing)}


def test_ratings_have_two_header_rows(landing: Path, tmp_path: Path) -> None:
    merged = ["A1:A2", "B1:B2", "C1:M1", "N1:X1", "Y1:AI1"]
    imported(landing, made.xlsx(tmp_path / "sheet.xlsx", made.ratings(), merged=merged), "--shop", "tb-1")
    assert figures(landing, period_end="2026-04-01") == [
        ("", "rating_participation_rate", "day", "2026-04-01", "36.0", "80.0", "0.45"),
        ("", "satisfaction_rate", "day", "2026-04-01", "42.0", "50.0", "0.84"),
    ]
    kept = texts(landing, "接待评价", period_end="2026-04-01")
    assert (kept["接待人数"], kept["总 发出"], kept["邀请 很满意"], kept["自主 满意率"]) == ("200", "100", "24", "78.57%")
    assert "总 满意率" not in kept, "a metric took it"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_inquiries_in_every_encoding(landing: Path, tmp_path: Path, encoding: str) -> None:
    imported(landing, made.csv(tmp_path / "sheet.csv", made.INQUIRY, encoding), "--shop", "tb-1")
    assert texts(landing, "业绩询单", period_end="2026-04-01")["当日付款金额"] == "12,345.60"
    assert texts(landing, "业绩询单", period_end="2026-04-02")["最终付款人数"] == "--"


def test_baskets_also_as_xls(landing: Path, tmp_path: Path) -> None:
    imported(landing, made.csv(tmp_path / "sheet.csv", made.BASKETS), "--shop", "tb-1")
    assert texts(landing, "客单价客服", period_end="2026-04-01")["客单价"] == "102.88"
    outcome = imported(landing, HERE / "baskets.xls", "--shop", "tb-2")
    assert texts(landing, "客单价客服", shop_id="tb-2", period_end="2026-04-01")["销售额"] == "12345.6"
    assert "sheet 备注 is hidden: skipped" in outcome.out


def test_experience_scores_from_json(landing: Path, tmp_path: Path) -> None:
    sheet = made.write_json(tmp_path / "scores.json", made.EXPERIENCE)
    imported(landing, sheet, "--shop", "tb-1", "--period", "rolling_30d:2026-04-17")
    assert figures(landing) == [
        ("", "response_rate_3min", "rolling_30d", "2026-04-17", "", "", "0.9971"),
        ("", "satisfaction_rate", "rolling_30d", "2026-04-17", "", "", "0.95"),
    ]
    kept = texts(landing, "真实体验分")
    assert (kept["3分钟人工响应率 rank"], kept["物流到货时长 showValue"], kept["旺旺满意度 isAssessed"]) == (
        "0.91",
        "41.2小时",
        "TRUE",
    )


def test_qianniu_workbook_with_last_month(landing: Path, tmp_path: Path) -> None:
    sheet = made.workbook(tmp_path / "sheet.xlsx", made.QIANNIU)
    outcome = imported(landing, sheet)
    assert "上月考核结果\n    skipped: nothing tells its period: add --period" in outcome.out
    assert figures(landing, period="day", account_id="tb-1-a")[0][4:] == ("297.0", "300.0", "0.99")
    imported(landing, sheet, "--period", "month:2026-04")
    months = {row[1]: row[3:] for row in figures(landing, period="month")}
    assert months["response_rate_3min"] == ("2026-04-30", "11400.0", "12000.0", "0.95")
    assert months["satisfaction_rate"][0] == "2026-04-28", "T-35: two days earlier"
    assert texts(landing, "每日考核数据", period_end="2026-05-02")["旺旺满意度"] == "-"


def test_kuaishou_by_account(landing: Path, tmp_path: Path) -> None:
    imported(landing, made.xlsx(tmp_path / "sheet.xlsx", made.KUAISHOU_ROWS), "--shop", "ks-1")
    found = {(row[0], row[1]): row[2:4] + row[6:] for row in figures(landing, "kuaishou")}
    assert found["ks-1-a", "human_reply_rate_3min"] == ("month", "2026-04-30", "0.9123")
    assert found["ks-1-a", "negative_rating_rate"] == ("month", "2026-04-30", "0.005")
    assert {metric for _, metric in found} == {
        *("human_reply_rate_3min", "human_reply_rate_3min_sessions", "positive_rating_rate", "negative_rating_rate")
    }
    assert texts(landing, "考核数据", "kuaishou", account_id="")["客服销售额"] == "19999"


def test_xiaohongshu_from_json(landing: Path, tmp_path: Path) -> None:
    imported(landing, made.write_json(tmp_path / "page.json", made.ANALYSIS), "--shop", "xhs-1")
    days = figures(landing, "xiaohongshu", period="day", period_end="2026-04-06")
    assert ("", "reply_rate_24h", "day", "2026-04-06", "99.0", "100.0", "0.99") in days
    assert len(days) == 6
    week = figures(landing, "xiaohongshu", period="rolling_7d")
    assert ("", "first_response_rate_45s", "rolling_7d", "2026-04-12", "", "", "0.88") in week, "the days add up to the whole"
    assert texts(landing, "客服分析", "xiaohongshu", period_end="2026-04-06")["avgRplDur"] == "0.42", (
        "minutes, as they stand there"
    )


def test_a_whole_that_its_days_do_not_add_up_to_needs_a_period(landing: Path, tmp_path: Path) -> None:
    tree = {"sellerCSOverall": made.analysis_day(None, 701), "sellerCSTrend": made.ANALYSIS["data"]["sellerCSTrend"]}
    outcome = imported(landing, made.write_json(tmp_path / "page.json", tree), "--shop", "xhs-1")
    assert "sellerCSOverall\n    skipped: nothing tells its period" in outcome.out
    assert not figures(landing, "xiaohongshu", period="rolling_7d")


# --- what cells say

ASSESSED = ["日期", *made.ASSESSED]


def assessed(folder: Path, *rates: Any, more: Callable[[int], list[Any]] = lambda row: ["", "", "-"]) -> Path:
    """考核数据 of days with these rates, without what they are made of."""
    days = [[f"2026-04-{day + 1:02}", "", "", rate, *more(day)] for day, rate in enumerate(rates)]
    return made.xlsx(folder / f"{len(list(folder.iterdir()))}.xlsx", [ASSESSED, *days])


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ((0.9971, 1, 0), [0.9971, 1, 0]),
        (("99.71%", "100%", "0.5%"), [0.9971, 1, 0.005]),
        ((99.71, 100, 1, 0.5), [0.9971, 1, 0.01, 0.005]),
        (("99.71", "1", "1"), [0.9971, 0.01, 0.01]),
        (("９９．７１％",), [0.9971]),
    ],
)
def test_shares(landing: Path, tmp_path: Path, cells: tuple[Any, ...], values: list[float]) -> None:
    imported(landing, assessed(tmp_path, *cells), "--shop", "tb-1")
    assert [float(row[6]) for row in figures(landing, metric="response_rate_3min")] == values


def test_a_cell_that_is_shown_as_percent_is_clear(landing: Path, tmp_path: Path) -> None:
    sheet = made.xlsx(
        tmp_path / "sheet.xlsx",
        [["日期", "旺旺满意度", "旺旺回复率", "3分钟人工响应率"], ["2026-04-01", 1, 0.5, 0.01]],
        formats={"B2": "0.00%", "C2": "0%"},
    )
    imported(landing, sheet, "--shop", "tb-1")
    assert {row[1]: float(row[6]) for row in figures(landing)} == {"satisfaction_rate": 1, "response_rate_3min": 0.01}
    assert texts(landing, "考核数据")["旺旺回复率"] == "50%"


def test_an_unclear_share_is_told(landing: Path, tmp_path: Path) -> None:
    outcome = imported(landing, assessed(tmp_path, 1, 0), "--shop", "tb-1")
    assert "3分钟人工响应率: a bare 1 can be 1 % or 100 %: read as 100 %" in outcome.out
    low = assessed(tmp_path, 0.5, more=lambda row: ["", "", 93.4])
    assert "read as percent" in imported(landing, low, "--shop", "tb-2").out
    assert figures(landing, shop_id="tb-2", metric="response_rate_3min")[0][6] == "0.005"
    by_parts = made.xlsx(tmp_path / "parts.xlsx", [ASSESSED, ["2026-04-01", 600, 3, 0.5, "", "", ""]])
    imported(landing, by_parts, "--shop", "tb-3")
    assert figures(landing, shop_id="tb-3")[0][4:] == ("3.0", "600.0", "0.005"), "its numerator and denominator decide"


def test_what_is_no_figure_is_kept_as_text(landing: Path, tmp_path: Path) -> None:
    outcome = imported(landing, assessed(tmp_path, "98.1%", "131%", "良好", "--"), "--shop", "tb-1")
    assert len(figures(landing)) == 1
    assert "row 3: 3分钟人工响应率 131%: a share lies between 0 and 1; kept as text" in outcome.out
    assert "row 4: 3分钟人工响应率 良好: no share; kept as text" in outcome.out
    assert texts(landing, "考核数据", period_end="2026-04-03")["3分钟人工响应率"] == "良好"
    assert texts(landing, "考核数据", period_end="2026-04-04")["3分钟人工响应率"] == "--"


def test_parts_that_give_another_rate_are_told_and_left_out(landing: Path, tmp_path: Path) -> None:
    sheet = made.xlsx(tmp_path / "sheet.xlsx", [ASSESSED, ["2026-04-01", 100, 90, "95%", "", "", "-"]])
    assert "90 / 100 is not 95%" in imported(landing, sheet, "--shop", "tb-1").out
    assert figures(landing)[0][4:] == ("", "", "0.95")


def test_a_sum_is_no_rate(landing: Path, tmp_path: Path) -> None:
    days = [["2026-04-01", 50, "31秒"], ["2026-04-02", 60, "41秒"], ["合计", 110, "72秒"]]
    sheet = made.csv(tmp_path / "sheet.csv", [["日期", "有效会话轮次", "平均响应时长"], *days])
    outcome = imported(landing, sheet, "--shop", "tb-1")
    assert [row[6] for row in figures(landing)] == ["31.0", "41.0"]
    assert "row 4: 平均响应时长 72秒: beyond that of every other row, so that it is their sum; kept as text" in outcome.out


@pytest.mark.parametrize(
    ("cell", "period", "end"),
    [
        ("2026-04-17", "day", "2026-04-17"),
        ("2026/4/17", "day", "2026-04-17"),
        ("2026年4月17日", "day", "2026-04-17"),
        ("20260417", "day", "2026-04-17"),
        (20260417, "day", "2026-04-17"),
        (46129, "day", "2026-04-17"),
        (datetime(2026, 4, 17), "day", "2026-04-17"),
        ("2026-04-17 00:00:00", "day", "2026-04-17"),
        ("2026-04-01 ~ 2026-04-30", "calendar_month", "2026-04-30"),
        ("2026年4月", "calendar_month", "2026-04-30"),
        ("20260413-20260419", "week", "2026-04-19"),
        ("2026-04-11 至 2026-04-17", "rolling_7d", "2026-04-17"),
        ("2026/3/19-2026/4/17", "rolling_30d", "2026-04-17"),
    ],
)
def test_days_and_periods(landing: Path, tmp_path: Path, cell: Any, period: str, end: str) -> None:
    imported(landing, made.xlsx(tmp_path / "sheet.xlsx", [ASSESSED, [cell, "", "", 0.95, "", "", "-"]]), "--shop", "tb-1")
    assert [row[2:4] for row in figures(landing)] == [(period, end)]


def test_days_that_are_no_period_are_told(landing: Path, tmp_path: Path) -> None:
    sheet = made.xlsx(
        tmp_path / "s.xlsx", [ASSESSED, ["2026-04-01~2026-04-03", 10, 9, 0.9, "", "", ""], ["2026-13-45", 1, 1, 1, "", "", ""]]
    )
    outcome = imported(landing, sheet, "--shop", "tb-1")
    assert "2026-04-01 to 2026-04-03 is no period of metrics; kept as text" in outcome.out
    assert "row 3: 2026-13-45 is no date; left out" in outcome.out
    assert not figures(landing)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("11秒", 11), ("2分30秒", 150), ("7小时41分52秒", 27_712), (29.5, 29.5), ("1,024", 1024), ("00:01:05", 65)],
)
def test_spans_of_time(landing: Path, tmp_path: Path, cell: Any, seconds: float) -> None:
    sheet = made.xlsx(tmp_path / "sheet.xlsx", [["日期", "咨询人数", "平均响应时长（秒）"], ["2026-04-01", 5, cell]])
    imported(landing, sheet, "--shop", "tb-1")
    assert [float(row[6]) for row in figures(landing)] == [seconds]


def test_merged_cells_hold_for_their_rows(landing: Path, tmp_path: Path) -> None:
    days = [["2026-04-01", "小美", 50, "31秒"], [None, "小丽", 60, "41秒"]]
    sheet = made.xlsx(tmp_path / "sheet.xlsx", [["日期", "客服昵称", "咨询人数", "平均响应时长"], *days], merged=["A2:A3"])
    imported(landing, sheet, "--shop", "tb-1")
    assert [row[0] for row in figures(landing, period_end="2026-04-01")] == ["tb-1-a", "tb-1-b"]


def test_rows_that_nothing_tells_apart_are_not_taken(landing: Path, tmp_path: Path) -> None:
    sheet = made.csv(tmp_path / "sheet.csv", [["员工", "咨询人数", "平均响应时长"], ["甲", 50, 31], ["乙", 60, 41]])
    outcome = kefu("import", sheet, "--landing", landing, "--shop", "tb-1", "--period", "2026-04-01")
    assert "avg_response_seconds of tb-1, 2026-04-01, is 31.0 and 41.0 at once (rows 2, 3): none is taken" in outcome.out
    assert not rows(landing, "taobao/official_metrics")


# --- what comes again


def test_the_same_file_twice_changes_nothing(landing: Path, tmp_path: Path) -> None:
    sheet = made.xlsx(tmp_path / "sheet.xlsx", made.reception_by_day())
    imported(landing, sheet, "--shop", "tb-1")
    before = files(landing)
    assert "nothing new, all of it was imported before" in imported(landing, sheet, "--shop", "tb-1").out
    assert files(landing) == before


def test_a_corrected_sheet_stands_whatever_days_came_with_it(landing: Path, tmp_path: Path) -> None:
    wrong = assessed(tmp_path, "90%", "91%", "92%")
    right = made.xlsx(tmp_path / "right.xlsx", [ASSESSED, ["2026-04-01", "", "", "95%", "", "", "-"]])
    imported(landing, wrong, "--shop", "tb-1")
    imported(landing, right, "--shop", "tb-1")
    assert [path.name[:13] for path in sorted(landing.glob("taobao/official_metrics/dt=2026-04-02/*"))] == [
        "import-000001",
        "import-000002",
    ]
    assert figures(landing, period_end="2026-04-01")[-1][6] == "0.95"
    again = imported(landing, wrong, "--shop", "tb-1")
    assert "came later, stands with 1 other rows: remove it to go back" in again.out


def test_a_bad_file_among_others_leaves_nothing_of_itself(landing: Path, tmp_path: Path) -> None:
    good = made.csv(tmp_path / "good.csv", made.BASKETS)
    bad = made.csv(tmp_path / "bad.csv", [["姓名", "咨尋人数", "年龄"], ["a", 1, 2]])
    said = refused(landing, good, bad, "--shop", "tb-1")
    assert "bad.csv: its headers belong to no known sheet: 姓名, 咨尋人数, 年龄; near to them are 咨询人数" in said
    assert "(1 of 2 files are imported)" in said
    assert texts(landing, "客单价客服")
    assert not list(landing.glob(".kefu-import-*"))


# --- chats


def test_chats_by_a_mapping(landing: Path, tmp_path: Path) -> None:
    sheet = made.xlsx(tmp_path / "chats.xlsx", made.chat_rows(12))
    imported(landing, sheet, "--mapping", MAPPING, "--shop", "tb-1")
    found = sorted(rows(landing, "taobao/messages"), key=lambda row: row["sent_at"])
    assert [row["content"] for row in found[:3]] == ["在吗？", "亲，在的", "=cmd|' /C calc'!A0"]
    assert [(row["direction"], row["author_kind"], row["account_id"]) for row in found[:2]] == [
        ("inbound", "consumer", "tb-1-a"),
        ("outbound", "agent", "tb-1-a"),
    ]
    assert len({row["message_id"] for row in found}) == 12 and len({row["conversation_id"] for row in found}) == 1
    before = files(landing)
    imported(landing, made.csv(tmp_path / "chats.csv", made.chat_rows(12), "gb18030"), "--mapping", MAPPING, "--shop", "tb-1")
    assert files(landing) == before, "the same messages in another format"
    assert kefu("check", landing).code == 0


def test_equal_messages_are_told_apart_by_number(landing: Path, tmp_path: Path) -> None:
    chats = list(made.chat_rows(2))
    imported(landing, made.csv(tmp_path / "chats.csv", [*chats, chats[1]]), "--mapping", MAPPING, "--shop", "tb-1")
    assert len({row["message_id"] for row in rows(landing, "taobao/messages")}) == 3


@pytest.mark.parametrize("platform", ["kuaishou", "xiaohongshu"])
def test_the_example_mapping_of_each_platform(landing: Path, tmp_path: Path, platform: str) -> None:
    alias = landing / platform / "account_aliases" / "dt=2026-04-02" / "more.csv"
    alias.parent.mkdir(parents=True)
    alias.write_text("shop_id,alias,account_id\ns-1,小美,s-1-a\n", encoding="utf-8")
    mapping = MAPPING.with_name(f"{platform}-messages.yml")
    imported(landing, made.csv(tmp_path / "chats.csv", made.chat_rows()), "--mapping", mapping, "--shop", "s-1")
    assert {row["agent_id"] for row in rows(landing, f"{platform}/messages")} == {"s-1-a"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("买家昵称", "买家名", "it has no column 买家名, which"),
        ("buyer_id:", "buyer:", "taobao/messages has no column buyer; did you mean buyer_id?"),
        ("inbound, 客服", "in, 客服", "direction cannot be in; it is one of inbound, outbound"),
        ("table: messages", "table: message", "there is no table taobao/message; did you mean taobao/messages?"),
        ("columns:", "colums:", "is no mapping: it has the keys columns, platform, table"),
        ("买家: inbound, ", "", "lists no value for 发送方 买家 (3 times)"),
        ("  peer_kind: {value: consumer}\n", "", "says nothing of required column peer_kind"),
        ("[shop_id, buyer_id]", "[shop_id, buyer]", "conversation_id is made of buyer, which the mapping does not take"),
        ("nickname: true", "nick: true", "column account_id is given as"),
        ("platform", "\tplatform", "is no YAML"),
    ],
)
def test_a_wrong_mapping_is_one_line(landing: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    text = MAPPING.read_text(encoding="utf-8")
    assert old in text
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(text.replace(old, new, 1), encoding="utf-8")
    sheet = made.csv(tmp_path / "chats.csv", made.chat_rows())
    assert said in refused(landing, sheet, "--mapping", mapping, "--shop", "tb-1")
    assert not rows(landing, "taobao/messages")


def test_chats_of_an_unknown_nickname_are_refused(landing: Path, tmp_path: Path) -> None:
    sheet = made.csv(tmp_path / "chats.csv", made.chat_rows())
    assert "no account of tb-9 is called 小美: add a row to" in refused(landing, sheet, "--mapping", MAPPING, "--shop", "tb-9")


def test_a_row_that_cannot_land_is_told_by_its_row_and_many_refuse_the_sheet(landing: Path, tmp_path: Path) -> None:
    chats = [list(row) for row in made.chat_rows(30)]
    chats[3][3] = "昨天"
    outcome = imported(landing, made.csv(tmp_path / "chats.csv", chats), "--mapping", MAPPING, "--shop", "tb-1")
    assert "row 4: 消息时间 is no time: it lands as a rejected row" in outcome.out
    for row in chats[5:20]:
        row[3] = "昨天"
    said = refused(landing, made.csv(tmp_path / "more.csv", chats), "--mapping", MAPPING, "--shop", "tb-1")
    assert "16 of 30 rows would be rejected" in said


# --- files that nobody should send


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(64 * 1024 * 1024))
    return path


def with_parts(path: Path, source: Path, parts: dict[str, bytes]) -> Path:
    """A workbook with some of its parts replaced or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, parts.get(name, old.read(name)))
        for name in parts.keys() - set(old.namelist()):
            new.writestr(name, parts[name])
    return path


def far_away(path: Path) -> Path:
    """A workbook that says that a cell lies in row 2,000,000,000."""
    sheet = made.xlsx(path.with_suffix(".old.xlsx"), made.BASKETS)
    with zipfile.ZipFile(sheet) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml")
    return with_parts(path, sheet, {"xl/worksheets/sheet1.xml": xml.replace(b'<row r="3"', b'<row r="2000000000"')})


def cut(path: Path) -> Path:
    path.write_bytes(made.xlsx(path.with_suffix(".old.xlsx"), made.BASKETS).read_bytes()[:3000])
    return path


def as_bytes(content: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


def huge(path: Path) -> Path:
    with open(path, "wb") as stream:
        stream.truncate(257 * 1024 * 1024)
    return path


def without_types(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>')
    return path


def wide(path: Path) -> Path:
    return made.csv(path, [["日期"] * 501])


ENCRYPTED = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "EncryptedPackage".encode("utf-16-le")
HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "bomb.xlsx": (bomb, "it unpacks to 64 MiB, more than"),
    "far.xlsx": (far_away, "has more than"),
    "cut.xlsx": (cut, "the workbook is broken"),
    "pk.xlsx": (as_bytes(b"PK\x03\x04 and no more"), "the workbook is broken"),
    "parts.xlsx": (without_types, "the workbook is broken"),
    "text.xlsx": (as_bytes("日期,x\n1,2\n".encode()), "its headers belong to no known sheet"),
    "image.xlsx": (as_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "it holds NUL bytes"),
    "page.xls": (
        as_bytes(b"<html><table><tr><td>1</td></tr></table></html>"),
        "it is a web page or XML under the name of a sheet",
    ),
    "locked.xlsx": (as_bytes(ENCRYPTED), "the workbook is encrypted"),
    "old.xls": (as_bytes(ENCRYPTED[:600]), "an old or broken .xls file"),
    "empty.csv": (as_bytes(b"\n"), "it is empty"),
    "nul.csv": (as_bytes("日期,咨询人数\n2026-04-01,\0\n".encode()), "it holds NUL bytes"),
    "quote.csv": (as_bytes('日期,咨询人数\n"2026-04-01,1\n'.encode()), "its line 2 is broken"),
    "binary.csv": (as_bytes(b"\xff\xfa\xff\x80\x81"), "it is neither a workbook nor text in UTF-8 or GB 18030"),
    "huge.csv": (huge, "it is larger than 256 MiB"),
    "wide.csv": (wide, "it has more than 500 columns in row 1"),
    "long.csv": (as_bytes(b"x" * 200_000), "it has a cell of more than"),
    "deep.json": (as_bytes(b"[" * 100_000), "it is broken JSON"),
    "other.json": (as_bytes(b'{"data": {"list": [1, 2]}}'), "its JSON holds nothing that is known: its keys are data, list"),
    "broken.json": (as_bytes(b'{"data": NaN}'), "it is broken JSON"),
    "levels.json": (as_bytes(b'{"a":' * 60 + b"1" + b"}" * 60), "levels deep"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_one_line(landing: Path, tmp_path: Path, name: str) -> None:
    make, said = HOSTILE[name]
    before = files(landing)
    assert said in refused(landing, make(tmp_path / name), "--shop", "tb-1", "--period", "2026-04-17")
    assert files(landing) == before


def test_no_broken_workbook_breaks_it(landing: Path, tmp_path: Path) -> None:
    """Bytes of a workbook's parts are changed at random: it is read, or refused in one line."""
    sheet = made.xlsx(tmp_path / "sheet.xlsx", made.ratings(), merged=["C1:M1"])
    draw = random.Random(5)
    with zipfile.ZipFile(sheet) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for number in range(60):
        name = draw.choice(sorted(parts))
        content = bytearray(parts[name])
        for _ in range(draw.randint(1, 4)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        broken = with_parts(tmp_path / f"{number}.xlsx", sheet, {name: bytes(content)})
        outcome = kefu("import", broken, "--landing", tmp_path / "other", "--shop", "tb-1")
        assert outcome.code in (0, 1) and outcome.err.count("\n") == outcome.code, outcome.err


def test_no_broken_xls_breaks_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The same of an .xls file, of which nothing but that line reaches the screen."""
    draw = random.Random(3)
    for _ in range(60):
        content = bytearray((HERE / "baskets.xls").read_bytes())
        for _ in range(draw.randint(1, 6)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        (tmp_path / "sheet.xls").write_bytes(content)
        outcome = kefu("import", tmp_path / "sheet.xls", "--landing", tmp_path / "landing", "--shop", "tb-1")
        assert outcome.code in (0, 1) and outcome.err.count("\n") == outcome.code, outcome.err
    assert capfd.readouterr().err == ""


def test_macros_are_not_run_and_formulas_without_a_value_are_told(landing: Path, tmp_path: Path) -> None:
    plain = made.workbook(tmp_path / "sheet.xlsx", {"Sheet1": [*made.BASKETS, [20260403, "=B2+B3", 1, 1, 1, 1, 1]]})
    macros = with_parts(tmp_path / "sheet.xlsm", plain, {"xl/vbaProject.bin": b"Sub AutoOpen()"})
    outcome = imported(landing, macros, "--shop", "tb-1")
    assert "the workbook has macros, which are not run" in outcome.out
    assert "sheet Sheet1: B4: formulas without a value, read as empty" in outcome.out
    assert texts(landing, "客单价客服", period_end="2026-04-03")["销售额"] == ""


def test_hidden_and_unknown_sheets_are_told(landing: Path, tmp_path: Path) -> None:
    sheets = {"说明": [["这是说明"]], "数据": made.BASKETS, "旧": made.BASKETS}
    outcome = imported(landing, made.workbook(tmp_path / "sheet.xlsx", sheets, hidden=["旧"]), "--shop", "tb-1")
    assert "sheet 旧 is hidden: skipped" in outcome.out
    assert "sheet 说明 is skipped: its headers belong to no known sheet: 这是说明" in outcome.out


@pytest.mark.parametrize(
    "options",
    [
        ("--period", "gestern"),
        ("--period", "week:2026-04-18"),
        ("--platform", "amazon"),
        ("--shop", " "),
        ("--mapping", "m", "--period", "2026-04-01"),
    ],
)
def test_wrong_usage_is_two(landing: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    sheet = made.csv(tmp_path / "sheet.csv", made.BASKETS)
    assert kefu("import", sheet, "--landing", landing, *options).code == 2


def test_what_lacks_is_told_with_what_to_add(landing: Path, tmp_path: Path) -> None:
    assert "add --shop with its id" in refused(landing, made.csv(tmp_path / "sheet.csv", made.BASKETS))
    assert "there is no such file" in refused(landing, tmp_path / "gone.csv")
    sheet = made.xlsx(tmp_path / "sheet.xlsx", made.KUAISHOU_ROWS)
    assert "its headers belong to no known sheet" in refused(landing, sheet, "--shop", "ks-1", "--platform", "taobao")
    assert "add --shop with its id" in refused(landing, sheet, "--platform", "kuaishou")
    no_period = made.csv(tmp_path / "none.csv", [["三分钟回复率（人维度）", "不服务率"], ["98%", "1%"]])
    said = refused(landing, no_period, "--shop", "ks-1", "--period", "calendar_month:2026-04")
    assert "kuaishou has no calendar_month: its month is by the calendar, write --period month:2026-04" in said


# --- the document


def test_the_sessions_of_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/importing.md shows is what is printed, and its table has every metric."""
    made.document_files(tmp_path)
    shutil.copytree(PROJECT / "docs" / "import", tmp_path / "docs" / "import")
    monkeypatch.chdir(tmp_path)
    document = (PROJECT / "docs" / "importing.md").read_text(encoding="utf-8")
    sessions = re.findall(r"^```\n(\$ .*?)\n```$", document, re.MULTILINE | re.DOTALL)
    assert len(sessions) == 2
    for part in re.split(r"^\$ kefu ", "\n".join(sessions), flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        outcome = kefu(*command.split())
        assert (outcome.out + outcome.err).strip() == shown.strip(), command
    for platform in known():
        for sheet in platform.sheets:
            assert all(f"`{figure.metric}`" in document for figure in sheet.metrics.values()), sheet.name


# --- a build


def test_a_build_has_the_figures(begun_home: Path, landing: Path, tmp_path: Path) -> None:
    imported(landing, made.xlsx(tmp_path / "chats.xlsx", made.chat_rows(12)), "--mapping", MAPPING, "--shop", "tb-1")
    rates = made.csv(tmp_path / "sheet.csv", [ASSESSED, ["2026-04-17", 6, 6, "100%", 0, 0, "-"]])
    imported(landing, rates, "--shop", "tb-1")
    shutil.rmtree(landing / "kuaishou")
    build(landing, begun_home)
    assert warehouse(begun_home, "select * from staging.taobao_official_metrics") == [
        ("tb-1", None, "response_rate_3min", "day", date(2026, 4, 17), 6.0, 6.0, 1.0)
    ]
    assert warehouse(begun_home, "select count(*) from staging.taobao_official_sheets") == [(5,)]
    ours = "select value from marts.service_metrics where metric = 'response_rate_3min' and period = 'day' and subject = 'shop'"
    assert query(begun_home, ours) == [(1.0,)]
