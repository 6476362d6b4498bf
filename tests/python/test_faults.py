"""Faults in short; `make faults` breaks each thing more often and longer (tests/faults, figures in docs/faults.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from faults.common import check_clean
from harness import build, kefu, query

from orchestration import pipeline
from orchestration.errors import KefuError
from orchestration.home import open_home
from orchestration.state import Dates


class Crash(BaseException):
    """The end of the process: nothing catches it."""


def write_message(landing: Path, number: int, minute: int, *, asks: bool, dt: str = "2025-10-02") -> None:
    """A delivery of one message of one conversation at Kuaishou."""
    folder = landing / "kuaishou" / "messages" / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    row = {
        "message_id": f"m{number}", "session_id": "c", "shop_id": "s", "user_id": "u", "agent_id": "a",
        "sender_kind": "user" if asks else "agent", "sent_at": f"2025-10-01 12:{minute:02}:00",
    }  # fmt: skip
    (folder / f"{number}.jsonl").write_text(json.dumps(row), encoding="utf-8")


def revisions(home: Path) -> list[tuple[object, ...]]:
    return query(
        home,
        """
        select revision, numerator, denominator, published_at from marts.metric_revisions
        where metric = 'human_reply_rate_3min' and subject = 'shop' and period = 'day' order by revision
        """,
    )


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    write_message(tmp_path / "landing", 1, 0, asks=True)
    return tmp_path / "landing"


def test_a_crash_after_the_swap_forgets_no_published_figure(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(pipeline.state, "mark_built", crash)
        kefu("build", "--landing", landing, "--home", home)
    published = revisions(home)
    assert [row[:3] for row in published] == [(1, 0, 1)]
    write_message(landing, 2, 1, asks=False, dt="2025-10-03")
    build(landing, home)
    assert revisions(home)[0] == published[0], "readers have seen it: it stays, with its time"
    assert [row[:3] for row in revisions(home)[1:]] == [(2, 1, 1)]
    check_clean(home)


def test_what_lands_after_a_crash_is_not_published_with_what_was_checked_before(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_home(tmp_path / "home")

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(pipeline, "publish", crash)
        kefu("build", "--landing", landing, "--home", home.path)
    write_message(landing, 2, 1, asks=False)
    land = pipeline.land

    def land_and_crash(*arguments: object, **options: object) -> None:
        land(*arguments, **options)
        raise Crash

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(pipeline, "land", land_and_crash)
        pipeline.land_deliveries(home, landing, again=False, report=print)
    with pytest.raises(KefuError, match="has no build that passed its checks"):
        pipeline.publish_build(home, print)
    build(landing, home.path)
    assert query(home.path, "select is_on_time from marts.kuaishou_rounds") == [(True,)]


def test_a_step_whose_marts_another_build_has_published_is_content(landing: Path, tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    with pytest.raises(KefuError, match="has no build that passed its checks"):
        build(landing, home.path)
        pipeline.request_build(home, Dates(), full_refresh=False)
        pipeline.publish_build(home, print)
    build(landing, home.path)
    lines: list[str] = []
    built = pipeline.publish_build(home, lines.append)
    assert (built.dates, built.version) == ({}, (home.path / "kefu.duckdb").resolve())
    assert lines == ["nothing to publish: another build has published these marts already"]
