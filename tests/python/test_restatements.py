"""What platforms decide afterwards changes past days: those it concerns, and no others."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import build, marts, query, warehouse

from orchestration.build.checks import LastRun
from orchestration.home import Home

pytestmark = pytest.mark.increments

MONDAY = date(2023, 3, 27)
DAYS = [MONDAY + timedelta(days=number) for number in range(5)]


def deliver(landing: Path, table: str, dt: date, *rows: dict[str, Any]) -> None:
    folder = landing / "kuaishou" / table / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part.jsonl").write_text("".join(json.dumps(row, default=str) + "\n" for row in rows), encoding="utf-8")


def deliver_days(landing: Path) -> None:
    """Every day but Wednesday u1 asks in vain and rates badly; every day u2 is answered at once."""
    for day in DAYS:
        messages, cards = [], []
        for user in ("u1", "u2"):
            chat = {"session_id": f"c-{user}-{day}", "shop_id": "s", "user_id": user, "agent_id": "a"}
            if user == "u2" or day != DAYS[2]:
                messages.append(chat | {"message_id": f"q-{user}-{day}", "sender_kind": "user", "sent_at": f"{day} 10:00:00"})
            if user == "u2":
                messages.append(chat | {"message_id": f"r-{user}-{day}", "sender_kind": "agent", "sent_at": f"{day} 10:01:00"})
            elif day != DAYS[2]:
                cards.append(
                    chat
                    | {"card_id": f"k-{day}", "service_kind": "human", "channel": "system_pushed", "sent_at": f"{day} 11:00:00"}
                    | {"level": "disappointed"}
                )
        deliver(landing, "messages", day, *messages)
        deliver(landing, "rating_cards", day, *cards)


def report(landing: Path, dt: date, result: str | None) -> None:
    deliver(
        landing, "malicious_reports", dt,
        {"report_id": "x", "shop_id": "s", "user_id": "u1", "reported_at": f"{DAYS[1]} 12:00:00",
         "effective_from": f"{DAYS[1]} 10:00:00", "result": result},
    )  # fmt: skip


def rebuilt(home: Path) -> list[date]:
    return [
        day for (day,) in warehouse(home, "select business_date from build.build_dates where platform = 'kuaishou' order by 1")
    ]


def rates(home: Path, metric: str) -> dict[date, tuple[float, float]]:
    """Numerator and denominator of the shop's days."""
    rows = query(
        home,
        f"""
        select period_end, numerator, denominator from marts.service_metrics
        where metric = '{metric}' and subject = 'shop' and period = 'day'
        """,
    )
    return {day: (numerator, denominator) for day, numerator, denominator in rows}


def test_a_malicious_report_restates_the_days_since_it_takes_effect_and_back(begun_home: Path, tmp_path: Path) -> None:
    """K-08: reported, upheld days later, taken back in the end."""
    landing, home = tmp_path / "landing", begun_home
    deliver_days(landing)
    build(landing, home)
    assert rebuilt(home) == DAYS
    replies = {day: (1.0, 1.0 if day == DAYS[2] else 2.0) for day in DAYS}
    ratings = {day: (0.0, 1.0) for day in DAYS if day != DAYS[2]}
    assert (rates(home, "human_reply_rate_3min"), rates(home, "positive_rating_rate")) == (replies, ratings)
    before = rounds_and_ratings(home)

    report(landing, DAYS[4] + timedelta(days=1), None)
    build(landing, home)
    assert rebuilt(home) == []
    assert rounds_and_ratings(home) == before

    report(landing, DAYS[4] + timedelta(days=2), "upheld")
    build(landing, home)
    assert rebuilt(home) == [DAYS[1], DAYS[3], DAYS[4]], "the days on which u1 has data, since the report takes effect"
    assert rates(home, "human_reply_rate_3min") == replies | dict.fromkeys(DAYS[1:], (1.0, 1.0))
    assert rates(home, "positive_rating_rate") == {DAYS[0]: (0.0, 1.0)}
    excluded = query(home, "select business_date, user_id from marts.kuaishou_rounds where not is_counted order by 1")
    assert excluded == [(day, "u1") for day in (DAYS[1], DAYS[3], DAYS[4])]
    upheld = marts(home)

    report(landing, DAYS[4] + timedelta(days=3), "rejected")
    build(landing, home)
    assert rebuilt(home) == [DAYS[1], DAYS[3], DAYS[4]]
    assert rounds_and_ratings(home) == before
    assert (rates(home, "human_reply_rate_3min"), rates(home, "positive_rating_rate")) == (replies, ratings)
    assert marts(home) != upheld
    assert revisions(home, DAYS[0]) == [(1, 1, 2)], "a day that no report concerns"
    assert revisions(home, DAYS[1]) == [(1, 1, 2), (2, 1, 1), (3, 1, 2)], "as first published, without u1, with u1 again"


def revisions(home: Path, day: date) -> list[Any]:
    """Revision, numerator and denominator of the shop's reply rate of a day."""
    return query(
        home,
        f"""
        select revision, numerator, denominator from marts.metric_revisions
        where metric = 'human_reply_rate_3min' and subject = 'shop' and period = 'day' and period_end = '{day}'
        order by revision
        """,
    )


def rounds_and_ratings(home: Path) -> list[Any]:
    return [rows for mart, rows in marts(home).items() if mart in ("kuaishou_rounds", "kuaishou_ratings", "exclusion_summary")]


def test_a_request_lapses_with_later_deliveries(begun_home: Path, tmp_path: Path) -> None:
    """K-21: what depends on the as-of time moves with any delivery, of whatever table."""
    landing, home = tmp_path / "landing", begun_home
    deliver(
        landing, "assisted_after_sales", MONDAY,
        {"request_id": "r", "shop_id": "s", "user_id": "u", "agent_id": "a", "initiator_kind": "merchant_agent",
         "order_id": "o", "order_type": "own", "refund_kind": "refund_only", "reason_party": "buyer",
         "initiated_at": f"{MONDAY} 10:00:00"},
    )  # fmt: skip
    build(landing, home)
    assert query(home, "select outcome from marts.kuaishou_assisted_after_sales") == [("pending",)]
    assert rates(home, "assisted_after_sales_confirm_rate") == {}
    deliver_days(landing)
    build(landing, home)
    built = [result["unique_id"] for result in LastRun(Home(home)).results]
    assert any(".int_kuaishou__" in each for each in built) and any(".kuaishou_keys_are_unique" in each for each in built)
    assert not [each for each in built if "taobao_" in each or "xiaohongshu_" in each], "of which nothing is new"
    assert query(home, "select outcome from marts.kuaishou_assisted_after_sales") == [("expired",)]
    assert rates(home, "assisted_after_sales_confirm_rate") == {MONDAY: (0.0, 1.0)}
