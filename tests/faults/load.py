"""One conversation of 100,000 messages, by parts: time near linear, memory bounded, from nothing and a day on top."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from faults.common import scratch, start_build

SIZES = (25_000, 50_000, 100_000)
MOST_MEMORY_BYTES = 2 * 1024**3
FIRST = datetime(2025, 3, 3)
DAYS = 10


def rows(count: int) -> Iterator[tuple[str, str, datetime, dict[str, Any]]]:
    """Messages of one buyer at Taobao and of one user at Kuaishou, each in one conversation; every 50th waits for a human."""
    step = timedelta(days=DAYS) / count
    for number in range(count):
        at = FIRST + number * step
        asks, waits = number % 3 != 2, number % 50 == 0
        who = {"conversation_id": "c", "shop_id": "s", "buyer_id": "b", "account_id": "s:a"}
        message = {"message_id": f"m{number}", "sent_at": at}
        yield (
            "taobao", "messages", at,
            who | message | {"direction": "inbound" if asks else "outbound", "author_kind": "consumer" if asks else "agent"}
            | {"peer_kind": "consumer", "message_type": "text"},
        )  # fmt: skip
        session = {"session_id": "c", "shop_id": "s", "user_id": "u", "agent_id": None if asks else "s:a"}
        yield "kuaishou", "messages", at, session | message | {"sender_kind": "user" if asks else "agent"}
        if waits:
            event = {"event_id": f"e{number}", "occurred_at": at - timedelta(seconds=1)}
            yield "taobao", "reception_events", at, who | event | {"event_type": "pooled", "account_id": None}
            yield "kuaishou", "session_events", at, session | event | {"event_type": "bot_started", "agent_id": None}


def write(landing: Path, count: int, *, last_day: bool) -> None:
    """The deliveries of all days but the last one, or of that one."""
    lines: dict[Path, list[str]] = {}
    for platform, table, at, row in rows(count):
        if (at >= FIRST + timedelta(days=DAYS - 1)) == last_day:
            folder = landing / platform / table / f"dt={(at + timedelta(days=1)).date()}"
            lines.setdefault(folder, []).append(json.dumps(row, default=str) + "\n")
    for folder, of_folder in lines.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "part.jsonl").write_text("".join(of_folder), encoding="utf-8")


def measured(landing: Path, home: Path) -> tuple[float, int]:
    """Seconds and peak bytes of a build."""
    started = time.monotonic()
    process = start_build(landing, home)
    assert process.stdout is not None and process.stderr is not None
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (out, err)
    return time.monotonic() - started, usage.ru_maxrss * 1024


def main() -> None:
    told, peak = [], 0
    for size in SIZES:
        with scratch() as folder:
            landing, home, seconds = folder / "landing", folder / "home", []
            for last_day in (False, True):
                write(landing, size, last_day=last_day)
                took, used = measured(landing, home)
                seconds.append(took)
                peak = max(peak, used)
        told.append(f"{size:,} messages {seconds[0]:.0f} s and a day on top {seconds[1]:.0f} s")
        print(f"    {told[-1]}, {peak / 1024**3:.2f} GiB at most", file=sys.stderr, flush=True)
    print(f"load: a conversation of {', '.join(told)}; {peak / 1024**3:.2f} GiB at most")
    assert peak <= MOST_MEMORY_BYTES, peak


if __name__ == "__main__":
    main()
