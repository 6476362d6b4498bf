"""What has not come, or came odd, is told: by the mart delivery_status, and by checks that warn once and stop nothing."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from harness import build, kefu, query

from orchestration.build.lateness import days_until_landed
from orchestration.home import PROJECT

DAY = date(2025, 9, 23)
WEEK = timedelta(days=7)
CHECKS = {"deliveries_have_arrived", "volume_is_usual", "few_rows_are_rejected", "platforms_are_fresh"}


def deliver_taobao(landing: Path, dt: date, rows: int, broken: int = 0) -> None:
    lines = [
        {
            "message_id": f"{dt}-{number}", "conversation_id": "c", "shop_id": "s", "buyer_id": "b", "account_id": "a",
            "direction": "inbound", "author_kind": "consumer", "peer_kind": "consumer", "message_type": "text",
            "content": "between us", "sent_at": f"{dt} 10:00:00" if number < rows else "between us",
        }
        for number in range(rows + broken)
    ]  # fmt: skip
    write(landing, "taobao", dt, "".join(json.dumps(line) + "\n" for line in lines), "part.jsonl")


def deliver_kuaishou(landing: Path, dt: date, rows: int) -> None:
    lines = [f"{dt}-{number},c,s,u,user,{dt} 10:00:00\n" for number in range(rows)]
    write(landing, "kuaishou", dt, "message_id,session_id,shop_id,user_id,sender_kind,sent_at\n" + "".join(lines), "part.csv")


def write(landing: Path, platform: str, dt: date, content: str, file: str) -> None:
    folder = landing / platform / "messages" / f"dt={dt}"
    folder.mkdir(parents=True)
    (folder / file).write_text(content, encoding="utf-8")


def warnings(out: str) -> dict[str, str]:
    """By check, what is said of it."""
    return dict(re.findall(r"^warning: check (\w+): (.*)$", out, re.MULTILINE))


def status(home: Path, platform: str, dt: date) -> list[tuple[object, ...]]:
    return query(
        home,
        f"""
        select is_delivered, row_count, rejected_row_count, rejected_share, usual_row_count, volume_ratio
        from marts.delivery_status where platform = '{platform}' and dt = '{dt}'
        """,
    )


def test_a_bad_day_warns_and_the_next_one_does_not(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    for weeks in (2, 1):
        deliver_taobao(landing, DAY - weeks * WEEK, rows=8)
        deliver_kuaishou(landing, DAY - weeks * WEEK, rows=1)
    deliver_taobao(landing, DAY, rows=2, broken=1)

    out = build(landing, home, "--start", DAY, "--end", DAY).out
    said = warnings(out)
    assert said.keys() == CHECKS
    assert said["deliveries_have_arrived"].startswith("1 row: platform=kuaishou, table_name=messages, ")
    assert said["platforms_are_fresh"].startswith("1 row: platform=kuaishou, table_name=messages, ")
    for check, figures in {
        "volume_is_usual": "row_count=2, usual_row_count=8.0, volume_ratio=0.25",
        "few_rows_are_rejected": "row_count=2, rejected_row_count=1, rejected_share=0.3333333333333333",
    }.items():
        assert said[check] == f"1 row: platform=taobao, table_name=messages, dt={DAY}, {figures}"
    assert "between us" not in out, "what was said in a chat"
    assert status(home, "taobao", DAY) == [(True, 2, 1, 1 / 3, 8.0, 0.25)]
    assert status(home, "kuaishou", DAY) == [(False, None, None, None, 1.0, None)]
    assert status(home, "xiaohongshu", DAY) == []

    tomorrow = DAY + timedelta(days=1)
    deliver_taobao(landing, tomorrow, rows=3)
    deliver_kuaishou(landing, tomorrow, rows=1)
    assert warnings(build(landing, home, "--start", tomorrow, "--end", tomorrow).out) == {}
    assert status(home, "kuaishou", DAY)[0][0] is False, "it has not come since either"

    deliver_kuaishou(landing, DAY, rows=0)
    said = warnings(build(landing, home).out)
    assert said.keys() == {"volume_is_usual"}, "the day at Taobao is built once more, but it is not new"
    assert "platform=kuaishou, " in said["volume_is_usual"]
    assert status(home, "kuaishou", DAY) == [(True, 0, 0, None, 1.0, 0.0)]
    assert "nothing to do" in build(landing, home).out


def test_what_no_table_takes_is_told_by_a_check(begun_home: Path, tmp_path: Path) -> None:
    """As every check, in Dagster and by an alert, too."""
    landing, home = tmp_path / "landing", begun_home
    deliver_kuaishou(landing, DAY, rows=1)
    (landing / "kuaishou" / "messages" / f"dt={DAY}" / "report.xlsx").touch()
    (landing / "tmall" / "messages").mkdir(parents=True)
    said = warnings(build(landing, home).out)
    assert said["nothing_in_landing_is_ignored"].startswith("2 rows: path=kuaishou/messages/dt=")


def test_without_a_range_what_came_late_tells_of_the_day_that_is_missing(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    deliver_taobao(landing, DAY - WEEK, rows=1)
    deliver_kuaishou(landing, DAY, rows=1)
    folder = landing / "kuaishou" / "messages"
    (folder / f"dt={DAY}").rename(folder / f"dt={DAY + timedelta(days=2)}")
    deliver_kuaishou(landing, DAY - timedelta(days=1), rows=1)
    said = warnings(build(landing, home).out)
    assert said.keys() == {"deliveries_have_arrived", "platforms_are_fresh"}
    assert f"platform=kuaishou, table_name=messages, dt={DAY}" in said["deliveries_have_arrived"]
    assert said["platforms_are_fresh"].startswith("1 row: platform=taobao, ")
    assert said["platforms_are_fresh"].endswith(f"last_event_at={DAY - WEEK} 10:00:00, newest_date={DAY}")

    deliver_kuaishou(landing, DAY, rows=0)
    write(landing, "taobao", DAY, "", "part.csv")  # not even a header
    assert kefu("build", "--landing", landing, "--home", home).code == 1
    (landing / "taobao" / "messages" / f"dt={DAY}" / "part.csv").unlink()
    assert "published" in build(landing, home).out, "what landed before the failure, though it has no rows"
    assert status(home, "kuaishou", DAY) == [(True, 0, 0, None, None, None)]


def test_no_check_shows_what_was_said() -> None:
    checks = {path.stem: path.read_text(encoding="utf-8") for path in (PROJECT / "tests" / "dbt").rglob("*.sql")}
    assert checks.keys() >= CHECKS
    assert [
        name for name, sql in checks.items() if re.search(r"\bcontent\b|\braw_row\b|rejected_rows.*\breason\b", sql, re.DOTALL)
    ] == []


@pytest.mark.parametrize(
    ("lateness", "days"),
    [
        ([], 2),
        ([("taobao", "messages", 0, 1.0)], 2),
        ([("taobao", "messages", 1, 1.0)], 2),
        ([("taobao", "messages", 1, 0.9), ("taobao", "messages", 4, 0.999), ("taobao", "messages", 9, 1.0)], 5),
        ([("taobao", "messages", 1, 0.9), ("taobao", "messages", 4, 0.9989), ("taobao", "messages", 9, 1.0)], 10),
        ([("taobao", "messages", 2, 1.0), ("xiaohongshu", "sessions", 6, 1.0), ("kuaishou", "messages", 3, 1.0)], 7),
        ([("taobao", "messages", 2, 1.0), ("taobao", "audience_members", 20, 1.0)], 3),
        ([("taobao", "messages", 400, 1.0)], 31),
    ],
)
def test_rolling_days_cover_all_but_a_thousandth_of_each_daily_table(
    lateness: list[tuple[str, str, int, float]], days: int
) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema marts;
            create table marts.delivery_lateness (
                platform varchar, table_name varchar, days_late integer, landed_share double
            );
            """
        )
        for row in lateness:
            connection.execute("insert into marts.delivery_lateness values (?, ?, ?, ?)", row)
        assert days_until_landed(connection) == days


def test_rolling_days_where_nothing_is_published() -> None:
    with duckdb.connect() as connection:
        assert days_until_landed(connection) == 2
