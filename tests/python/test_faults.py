"""Faults in short; `make faults` breaks each thing more often and longer (tests/faults, figures in docs/faults.md)."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from faults import fuzz, kill, replaced
from faults.common import KEFU, check_clean, check_readers, start_build
from harness import build, kefu, marts, query

from orchestration.build import state, steps
from orchestration.errors import KefuError
from orchestration.home import one_writer, open_home
from orchestration.landing import load

pytestmark = pytest.mark.increments

KILLS_AT_MOST = 8  # to hit a stage


class Crash(BaseException):
    """The end of the process: nothing catches it."""


def write_message(landing: Path, number: int, minute: int, *, asks: bool, dt: str = "2025-10-02", user: str = "u") -> None:
    """A delivery of one message of a user's conversation at Kuaishou."""
    folder = landing / "kuaishou" / "messages" / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    row = {
        "message_id": f"m{number}", "session_id": f"c-{user}", "shop_id": "s", "user_id": user, "agent_id": "a",
        "sender_kind": "user" if asks else "agent", "sent_at": f"2025-10-01 12:{minute:02}:00",
    }  # fmt: skip
    (folder / f"{number}.jsonl").write_text(json.dumps(row), encoding="utf-8")


def revisions(home: Path) -> list[tuple[Any, ...]]:
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


def crash(*_: object, **__: object) -> None:
    raise Crash


def test_a_crash_between_building_and_publishing(landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = open_home(tmp_path / "home")

    def crash_at(target: object, name: str, replacement: Callable[..., object] = crash) -> None:
        with monkeypatch.context() as patch, pytest.raises(Crash):
            patch.setattr(target, name, replacement)
            kefu("build", "--landing", landing, "--home", home.path)

    crash_at(state.BuildState, "mark_built")  # after the swap: readers have it
    published = revisions(home.path)
    assert [row[:3] for row in published] == [(1, 0, 1)]
    write_message(landing, 2, 1, asks=False, dt="2025-10-03")
    crash_at(steps, "publish")
    assert revisions(home.path) == published
    crash_at(Path, "symlink_to")
    assert revisions(home.path) == published, "the next version lies there, the link is the old one"

    write_message(landing, 3, 30, asks=True, dt="2025-10-04", user="v")
    land = steps.land

    def land_and_crash(*arguments: Any, **options: Any) -> None:
        land(*arguments, **options)
        raise Crash

    crash_at(steps, "land", land_and_crash)
    with pytest.raises(KefuError, match="has no build that passed its checks"):  # what was checked lacks what has landed
        steps.publish_build(home, print)

    build(landing, home.path)
    assert revisions(home.path)[0] == published[0], "what readers have seen stays, with its time"
    assert [row[:3] for row in revisions(home.path)[1:]] == [(2, 1, 2)]
    check_clean(home.path)


def test_kills_in_a_row_and_a_plain_rerun(landing: Path, begun_home: Path) -> None:
    home, dice, deliveries = begun_home, random.Random(1), count(2)
    for stage in kill.STAGES:
        hits: list[str] = []
        while stage not in hits:  # a kill comes at a random moment: on a slow or a quick machine it can hit another stage
            assert len(hits) < KILLS_AT_MOST, f"no kill has hit {stage}, but {', '.join(hits)}"
            number = next(deliveries)
            write_message(landing, number, number, asks=True, dt=f"2025-10-{number:02}")
            hits.append(kill.kill(landing, home, stage, 1, dice))
    check_readers(home)
    build(landing, home)
    assert query(home, "select count(*) from marts.kuaishou_rounds") == [(1,)]
    check_clean(home)


def test_a_full_disk_is_one_line_and_readers_keep_their_version(landing: Path, begun_home: Path) -> None:
    home = begun_home
    build(landing, home)
    before = marts(home)
    write_message(landing, 2, 1, asks=False)
    for limit in (1_000, 100_000):  # too few to land, to compute
        outcome = limited(limit, landing, home)
        assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1), outcome
        assert outcome.stderr.startswith("kefu: ") and "File too large" in outcome.stderr
        assert marts(home) == before
    build(landing, home)
    assert query(home, "select is_on_time from marts.kuaishou_rounds") == [(True,)]
    check_clean(home)


def limited(limit: int, landing: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """A build whose files may not grow beyond so many bytes, as if the disk were full."""
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); {KEFU}"
    with start_build(landing, home, code=code) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess([], process.returncode, out, err)


def test_a_file_replaced_while_it_is_read_never_lands_as_a_mix(tmp_path: Path) -> None:
    counts = replaced.outcomes(tmp_path, 10)
    assert counts.total() == 10


def test_malformed_files_land_or_are_refused_by_name(tmp_path: Path) -> None:
    counts = fuzz.outcomes([file for file in fuzz.malformed(200) if file.fault != "huge_field"], tmp_path, lambda line: None)
    assert min(counts["landed"], counts["rejected"], counts["refused"]) > 20
    fuzz.build_survivors(tmp_path)


def test_a_wrong_clock_changes_no_figure(
    landing: Path, begun_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, parts = begun_home, [(2, 1, False, "u"), (3, 30, True, "v")]
    for year, (number, minute, asks, user) in zip((2090, 1999), parts, strict=True):  # the second goes backwards
        write_message(landing, number, minute, asks=asks, dt=f"2025-10-0{number + 1}", user=user)
        for file in landing.rglob(f"{number}.jsonl"):
            os.utime(file, (moment := datetime(year, 1, 1).timestamp(), moment))
        for module in (load, state):
            monkeypatch.setattr(module, "beijing_now", lambda year=year: datetime(year, 1, 1))
        build(landing, home)
    assert [(*row[:3], row[3].year) for row in revisions(home)] == [(1, 1, 1, 2090), (2, 1, 2, 1999)]
    monkeypatch.undo()
    build(landing, tmp_path / "fresh")
    assert marts(home) == marts(tmp_path / "fresh")


def test_the_lock_is_waited_for(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    with one_writer(home), pytest.raises(KefuError, match="another build is writing"), one_writer(home, wait_seconds=0.3):
        pass
    held = one_writer(home)
    held.__enter__()
    Timer(0.5, lambda: held.__exit__(None, None, None)).start()
    with one_writer(home, wait_seconds=30):
        pass
