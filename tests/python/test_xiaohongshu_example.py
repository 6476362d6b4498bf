"""X-13, the source's own example (004): a month of 150 sessions, with a landing file for every table, through `kefu build`.

某店铺在一个月内用户进线咨询150次,24h内回复了140次,回复率93%;系统工作时段进线100次,45s内首响96次,首响率96%;
40个用户参评,参评率27%;38个给了4&5星,满意度95%。
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import build, query

FIRST_OF_MAY = datetime(2025, 5, 1)
Row = dict[str, Any]


def entered(session: int) -> datetime:
    """100 sessions in the working hours, 50 in the evenings after; over the thirty days from the 1st of May."""
    day = FIRST_OF_MAY + timedelta(days=session % 30)
    return day + (timedelta(hours=9, minutes=session) if session < 100 else timedelta(hours=22, minutes=session - 100))


def reply_after(session: int) -> timedelta | None:
    """96 of the 100 within 45 s; the four others and 40 of the evenings' within 24 h; ten never."""
    if session < 96:
        return timedelta(seconds=45)
    if session < 140:
        return timedelta(hours=24) if session % 2 else timedelta(seconds=46)
    return None


def stars(session: int) -> int | None:
    """40 ratings, 38 of them of 4 or 5 stars; bad ones by day and in the evening."""
    if session % 15 >= 4:
        return None
    return {0: 3, 105: 1}.get(session, 4 + session % 2)


def write(landing: Path, table: str, rows: Iterable[Row]) -> None:
    rows = list(rows)
    folder = landing / "xiaohongshu" / table / "dt=2025-06-01"
    folder.mkdir(parents=True)
    with (folder / "export.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def message(session: int, number: int, sender: str, at: datetime) -> Row:
    agent = "s:a" if sender == "agent" else ""
    keys = {"message_id": f"m{session}-{number}", "session_id": f"s{session}", "shop_id": "s", "agent_id": agent}
    return {**keys, "sender_kind": sender, "content": "在吗" if sender == "user" else "亲", "sent_at": at}


def messages() -> Iterable[Row]:
    for session in range(150):
        yield message(session, 1, "user", entered(session))
        if (after := reply_after(session)) is not None:
            yield message(session, 2, "agent", entered(session) + after)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing, home = tmp_path_factory.mktemp("landing"), tmp_path_factory.mktemp("home")
    write(
        landing,
        "sessions",
        (
            {
                "session_id": f"s{session}",
                "shop_id": "s",
                "user_id": f"u{session}",
                "initiated_by": "user",
                "entered_at": entered(session),
                # 若用户进线后24h内无人承接/回复,系统自动结束并移除会话
                "ended_at": entered(session) + (reply_after(session) or timedelta(hours=24)),
                "ended_by": "agent" if reply_after(session) else "system",
            }
            for session in range(150)
        ),
    )
    write(landing, "messages", messages())
    write(
        landing,
        "session_events",
        (
            {
                "event_id": f"e{session}",
                "session_id": f"s{session}",
                "shop_id": "s",
                "event_type": "assigned",
                "agent_id": "s:a",
                "occurred_at": entered(session),
            }
            for session in range(150)
        ),
    )
    write(
        landing,
        "ratings",
        (
            {"session_id": f"s{session}", "stars": stars(session), "rated_at": entered(session) + timedelta(days=2)}
            for session in range(150)
            if stars(session)
        ),
    )
    write(landing, "work_hours", [{"shop_id": "s", "valid_from": "2025-01-01", "opens_at": "09:00", "closes_at": "22:00"}])
    build(landing, home)
    return home


@pytest.mark.parametrize(
    ("metric", "numerator", "denominator", "percent"),
    [
        ("reply_rate_24h", 140, 150, 93),
        ("first_response_rate_45s", 96, 100, 96),
        ("rating_participation_rate", 40, 150, 27),
        ("satisfaction_rate", 38, 40, 95),
    ],
)
@pytest.mark.parametrize("subject", ["shop", "account"])
def test_the_figures_of_the_month(subject: str, metric: str, numerator: int, denominator: int, percent: int, home: Path) -> None:
    (found,) = query(
        home,
        f"""
        select period_start::varchar, period_end::varchar, numerator, denominator, round(100 * value), value
        from marts.service_metrics
        where platform = 'xiaohongshu' and subject = '{subject}' and period = 'month' and metric = '{metric}'
        """,
    )
    assert found == ("2025-05-01", "2025-05-31", numerator, denominator, percent, numerator / denominator)


def test_the_month_is_passed(home: Path) -> None:
    assert query(home, "select * exclude (shop_id, month) from marts.xiaohongshu_assessments") == [
        (0.96, None, 0.95, True, None, True, True)
    ]


def test_every_session_counts(home: Path) -> None:
    assert query(home, "select reason, sum(rounds) from marts.exclusion_summary group by reason") == [("counted", 150)]
    assert query(home, "select count(*) from marts.xiaohongshu_sessions where exclusion_reasons = ['outside_work_hours']") == [
        (50,)
    ]
