"""X-05: a session that nobody ended is counted once its 24 hours are over, whatever else the delivery holds that ends them."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import build, marts, query

pytestmark = pytest.mark.increments

HEADERS = {
    "sessions": "session_id,shop_id,user_id,initiated_by,entered_at,ended_at,ended_by",
    "work_hours": "shop_id,valid_from,opens_at,closes_at",
}


def deliver(landing: Path, table: str, dt: str, *rows: str) -> None:
    folder = landing / "xiaohongshu" / table / f"dt={dt}"
    folder.mkdir(parents=True)
    (folder / "export.csv").write_text("\n".join([HEADERS[table], *rows, ""]), encoding="utf-8")


def session(home: Path) -> tuple[bool, list[str]]:
    ((is_counted, reasons),) = query(
        home, "select is_counted, exclusion_reasons from marts.xiaohongshu_sessions where session_id = 's1'"
    )
    return is_counted, reasons


def test_time_that_goes_by_lets_a_session_left_open_count(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    deliver(landing, "sessions", "2025-05-05", "s1,s,u,user,2025-05-05 10:00:00,,")
    build(landing, home)
    assert session(home) == (False, ["not_ended"])
    deliver(landing, "work_hours", "2025-05-06", "another,2025-05-01,09:00,22:00")
    build(landing, home, "--start", "2025-05-01", "--end", "2025-05-04")  # a backfill of other dates leaves it to the next build
    assert session(home) == (False, ["not_ended"])
    build(landing, home)
    assert session(home) == (True, ["not_ended"]), "a remark: it counts as not answered"
    deliver(landing, "work_hours", "2025-05-07")  # an empty delivery moves the time as well
    build(landing, home)
    build(landing, tmp_path / "fresh")
    assert marts(home) == marts(tmp_path / "fresh")
