"""Figures of past days that change later stay visible as they were first published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import build, query

pytestmark = pytest.mark.increments


def deliver(landing: Path, table: str, dt: str, *rows: dict[str, object]) -> None:
    folder = landing / "taobao" / table / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def message(number: int, minute: int, *, asks: bool) -> dict[str, object]:
    return {
        "message_id": f"m{number}", "conversation_id": "c", "shop_id": "s", "buyer_id": "b", "account_id": "a",
        "direction": "inbound" if asks else "outbound", "author_kind": "consumer" if asks else "agent",
        "peer_kind": "consumer", "message_type": "text", "sent_at": f"2025-10-01 12:{minute:02}:00",
    }  # fmt: skip


def revisions(home: Path) -> list[tuple[object, ...]]:
    return query(
        home,
        """
        select revision, numerator, denominator from marts.metric_revisions
        where metric = 'response_rate_3min' and subject = 'shop' and period = 'day' and period_end = '2025-10-01'
        order by revision
        """,
    )


def test_a_late_row_a_recall_and_a_withdrawn_delivery_are_revisions(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    asked, answered, asked_again = message(1, 0, asks=True), message(2, 1, asks=False), message(3, 2, asks=True)

    deliver(landing, "messages", "2025-09-30", asked)
    build(landing, home)
    assert revisions(home) == [], "the day is not over as of the end of the newest delivery"

    deliver(landing, "messages", "2025-10-02", asked, answered)
    build(landing, home)
    assert revisions(home) == [(1, 1, 1)]

    deliver(landing, "messages", "2025-10-03", asked_again)
    build(landing, home)
    assert revisions(home) == [(1, 1, 1), (2, 1, 2)], "a late question is a second round"

    build(landing, home, "--full-refresh")
    assert revisions(home) == [(1, 1, 1), (2, 1, 2)], "the same figures again are no revision, and a full rebuild forgets none"

    deliver(landing, "message_recalls", "2025-10-04", {"message_id": "m3", "recalled_at": "2025-10-03 09:00:00"})
    build(landing, home)
    assert revisions(home)[2:] == [(3, 1, 1)]

    for dt in ("2025-09-30", "2025-10-02", "2025-10-03"):
        deliver(landing, "messages", dt)
    build(landing, home)
    assert revisions(home)[3:] == [(4, 0, 0)], "a figure that vanished is 0 of 0"
