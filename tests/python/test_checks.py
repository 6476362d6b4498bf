"""A bad row stops its own day: readers keep the day's last good figures, and the next build publishes the others."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from harness import build, kefu, marts, query, warehouse

pytestmark = pytest.mark.increments


def rate(landing: Path, day: int, cards: int) -> None:
    """A delivery of so many rating cards of Kuaishou, all satisfied, sent on that day of October."""
    folder = landing / "kuaishou" / "rating_cards" / f"dt=2025-10-{day:02}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "card_id": f"{day}-{number}", "session_id": "c", "shop_id": "s", "user_id": "u", "agent_id": "a",
            "service_kind": "human", "channel": "user_initiated", "level": "satisfied",
            "sent_at": f"2025-10-{day:02} 12:00:{number:02}", "rated_at": f"2025-10-{day:02} 12:01:{number:02}",
        }
        for number in range(cards)
    ]  # fmt: skip
    (folder / "part.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def change_raw(home: Path, sql: str) -> None:
    """What no landing lets in."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(sql)


def ratings(home: Path) -> dict[int, int]:
    """Published ratings by day of the month."""
    return dict(query(home, "select day(business_date), count(*) from marts.kuaishou_ratings group by all"))


def rates(home: Path, period: str) -> dict[int, float]:
    """Published numerators of the positive rating rate by day of the month on which their period ends."""
    return dict(
        query(
            home,
            f"""
            select day(period_end), numerator from marts.service_metrics
            where metric = 'positive_rating_rate' and subject = 'shop' and period = '{period}'
            """,
        )
    )


def test_a_bad_row_holds_back_its_day_and_no_other(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    rate(landing, 1, 3)
    rate(landing, 2, 3)
    build(landing, home)
    good = marts(home)

    rate(landing, 2, 4)
    rate(landing, 3, 5)
    change_raw(
        home,
        """
        insert into raw.kuaishou_rating_cards
        select * replace ('twice' as card_id, timestamp '2025-10-02 09:00' as sent_at)
        from raw.kuaishou_rating_cards where card_id in ('1-0', '1-1')
        """,
    )
    failed = kefu("build", "--landing", landing, "--home", home)
    assert failed.code == 1
    assert "check kuaishou_keys_are_unique failed: 2 rows: mart=kuaishou_ratings, card_id=twice, " in failed.err
    assert "held back: kuaishou 2025-10-02 (check kuaishou_keys_are_unique)" in failed.out
    assert marts(home) == good

    assert "held back: kuaishou 2025-10-02" in build(landing, home).out, "the other day of that build"
    assert ratings(home) == {1: 3, 2: 3, 3: 5}
    rate(landing, 4, 2)
    assert "rebuilt kuaishou: 1 dates, 2025-10-04" in build(landing, home).out, "the next day's run does not fail"
    assert ratings(home) == {1: 3, 2: 3, 3: 5, 4: 2}
    assert rates(home, "day") == {1: 3, 2: 3, 3: 5, 4: 2}
    assert rates(home, "rolling_30d") == {1: 3, 2: 6}, "no figure that rests on the bad day is published anew"
    assert rates(home, "month") == {31: 6}
    ends = {end.day for (end,) in query(home, "select period_end from marts.metric_revisions")}
    assert ends == {1, 3}, "the 2nd is held, and of the 4th not every deadline of 24 hours has passed"
    assert warehouse(home, "select max(revision) from build.published_revisions") == [(1,)], "what is held is no revision"
    assert "nothing to do" in build(landing, home).out

    change_raw(home, "delete from raw.kuaishou_rating_cards where card_id = 'twice'")
    rate(landing, 2, 6)
    assert "held back" not in build(landing, home).out, "a delivery that touches the day has it built again"
    build(landing, tmp_path / "fresh")
    assert marts(home) == marts(tmp_path / "fresh")


def test_a_day_that_is_asked_for_is_built_again(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    rate(landing, 1, 3)
    build(landing, home)
    twice = "insert into raw.kuaishou_rating_cards from raw.kuaishou_rating_cards where card_id = '1-0'"
    change_raw(home, twice)
    asked = ("build", "--landing", landing, "--home", home, "--start", "2025-10-01", "--end", "2025-10-01")
    assert "held back: kuaishou 2025-10-01" in kefu(*asked).out
    assert kefu(*asked).code == 1, "asked for again, it is built again, and fails again"
    change_raw(home, "delete from raw.kuaishou_rating_cards where rowid = (select max(rowid) from raw.kuaishou_rating_cards)")
    assert kefu(*asked).code == 0
    assert "held back" not in build(landing, home).out
    assert ratings(home) == {1: 3}
