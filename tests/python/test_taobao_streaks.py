"""T-50 to T-58: a streak runs over weeks; what is rebuilt of it by increments is what a full rebuild gives."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import build, marts, query, warehouse

pytestmark = pytest.mark.increments

NOON = datetime(2025, 3, 3, 12)  # of the first Monday
PAIR = {"shop_id": "s", "buyer_id": "b"}
MESSAGE = PAIR | {"conversation_id": "c", "account_id": "a", "peer_kind": "consumer", "message_type": "text"}


def noon(day: int) -> datetime:
    return NOON + timedelta(days=day)


def deliver(landing: Path, table: str, day: int, *rows: dict[str, Any]) -> None:
    folder = landing / "taobao" / table / f"dt={noon(day).date()}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part.jsonl").write_text("".join(json.dumps(row, default=str) + "\n" for row in rows), encoding="utf-8")


def sent(day: int, **more: object) -> dict[str, Any]:
    return MESSAGE | {"message_id": f"m{day}", "direction": "outbound", "author_kind": "agent", "sent_at": noon(day)} | more


def replied(day: int, **more: object) -> dict[str, Any]:
    return sent(day, message_id=f"q{day}", direction="inbound", author_kind="consumer") | more


def streaks(home: Path, buyer: str = "b") -> list[tuple[str, int, datetime | None, str | None, int]]:
    return query(
        home,
        f"""
        select streak_id, counted_messages, reached_limit_at, ended_by, messages_after_rejection
        from marts.taobao_message_streaks where buyer_id = '{buyer}' order by started_at
        """,
    )


def rebuilt_from(home: Path) -> dict[str, datetime]:
    """The buyers whose streaks the last build rewrote."""
    return dict(warehouse(home, "select buyer_id, touched_from from build.build_pairs"))


def is_as_from_nothing(landing: Path, home: Path, empty_home: Path) -> bool:
    fresh = shutil.copytree(empty_home, landing.parent / f"fresh-{len(list(landing.parent.iterdir()))}", symlinks=True)
    build(landing, fresh)
    return marts(home) == marts(fresh)


def test_a_streak_over_weeks(empty_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", tmp_path / "home"
    for days in ([0], [7], [14, 21, 28, 35]):  # a message a week
        for day in days:
            deliver(landing, "messages", day, sent(day), replied(day, message_id=f"z{day}", buyer_id="z", conversation_id="cz"))
        build(landing, home)
        assert rebuilt_from(home)["b"] == (noon(days[0]) if days[0] else datetime(1, 1, 1))
    assert streaks(home) == [("taobao-streak-m0", 6, noon(28), None, 0)]

    deliver(landing, "rejection_prompts", 42, PAIR | {"prompt_id": "p", "account_id": "a", "trigger": "five_in_a_row"}
            | {"triggered_at": noon(28), "clicked_at": noon(30)})  # fmt: skip
    build(landing, home)
    assert rebuilt_from(home) == {}  # a rejection closes what stands: no streak is made anew
    assert streaks(home) == [("taobao-streak-m0", 6, noon(28), None, 1)]

    deliver(landing, "orders", 43, PAIR | {"order_id": "o", "created_at": noon(10)})  # five weeks late, it cuts the streak in two
    build(landing, home)
    halves = [("taobao-streak-m0", 2, None, "order", 0), ("taobao-streak-m14", 4, None, None, 1)]
    assert streaks(home) == halves

    deliver(landing, "messages", 44, sent(44), replied(44, sent_at=noon(43)))
    build(landing, home)
    assert streaks(home) == [halves[0], (*halves[1][:3], "buyer_reply", 1), ("taobao-streak-m44", 1, None, None, 0)]
    assert is_as_from_nothing(landing, home, empty_home)

    deliver(landing, "messages", 44, sent(44))  # the reply was none
    deliver(landing, "orders", 43)  # nor the order
    build(landing, home)
    assert streaks(home) == [("taobao-streak-m0", 7, noon(28), None, 2)]
    assert is_as_from_nothing(landing, home, empty_home)


def test_a_message_that_goes_to_another_buyer_after_all(begun_home: Path, empty_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    deliver(landing, "messages", 0, sent(0), sent(1, buyer_id="z"))
    build(landing, home)
    deliver(landing, "messages", 1, sent(0, buyer_id="z"))
    build(landing, home)
    assert streaks(home) == []
    assert streaks(home, "z") == [("taobao-streak-m0", 2, None, None, 0)]
    assert is_as_from_nothing(landing, home, empty_home)


def test_a_backfill_leaves_what_it_was_not_asked_for_to_the_next_build(
    begun_home: Path, empty_home: Path, tmp_path: Path
) -> None:
    landing, home = tmp_path / "landing", begun_home
    deliver(landing, "messages", 0, sent(0), sent(0, message_id="y0", buyer_id="y"))
    build(landing, home)
    deliver(landing, "messages", 7, sent(7), sent(8, message_id="y8", buyer_id="y"))
    build(landing, home, "--start", str(noon(7).date()), "--end", str(noon(7).date()))
    assert streaks(home) == [("taobao-streak-m0", 2, None, None, 0)]
    assert streaks(home, "y") == [("taobao-streak-y0", 1, None, None, 0)]
    build(landing, home)
    assert rebuilt_from(home) == {"y": noon(8)}
    assert streaks(home, "y") == [("taobao-streak-y0", 2, None, None, 0)]
    assert is_as_from_nothing(landing, home, empty_home)


def test_nothing_of_a_buyer_is_left(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    deliver(landing, "messages", 0, sent(0))
    build(landing, home)
    deliver(landing, "messages", 0)
    build(landing, home)
    assert streaks(home) == []
