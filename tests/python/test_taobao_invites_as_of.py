"""Invitations around midnight: what is due after the newest delivery waits for the next one, which may bring what stops it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import build, marts, query

pytestmark = pytest.mark.increments


def deliver(landing: Path, dt: str, *messages: tuple[str, str, str]) -> None:
    """A delivery of messages: id, author and time, in the conversation that the id begins with."""
    folder = landing / "taobao" / "messages" / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "message_id": message_id, "conversation_id": message_id[0], "shop_id": "s", "buyer_id": message_id[0],
            "account_id": "a", "direction": "outbound" if author == "agent" else "inbound", "author_kind": author,
            "peer_kind": "consumer", "message_type": "text", "sent_at": sent_at,
        }
        for message_id, author, sent_at in messages
    ]  # fmt: skip
    (folder / "part.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def due(home: Path) -> list[str]:
    return [message for (message,) in query(home, "select trigger_message_id from marts.taobao_rating_invites order by 1")]


def test_what_is_due_after_midnight_waits_for_the_next_delivery(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    deliver(
        landing, "2024-03-04",
        ("x1", "agent", "2024-03-04 23:50:59"), ("y1", "agent", "2024-03-04 23:55:00"), ("z1", "agent", "2024-03-04 23:55:00"),
    )  # fmt: skip
    build(landing, home)
    assert due(home) == ["x1"]
    deliver(landing, "2024-03-05", ("y2", "consumer", "2024-03-05 00:01:00"))
    build(landing, home)
    assert due(home) == ["x1", "z1"]
    deliver(landing, "2024-03-06", ("x2", "consumer", "2024-03-04 23:59:00"))  # late: x was not silent at all
    build(landing, home)
    assert due(home) == ["z1"]
    deliver(landing, "2024-03-05", ("y2", "consumer", "2024-03-05 00:05:00"))  # delivered again, y asked later than thought
    build(landing, home)
    assert due(home) == ["y1", "z1"]
    build(landing, tmp_path / "fresh")
    assert marts(tmp_path / "fresh") == marts(home)
