"""The platforms' own figures beside the computed ones: what could explain a difference is counted anew, by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import kefu

FIXTURES = ["case101", "case102", "case103", "case105"]
Row = dict[str, Any]
Score = tuple[float, float]  # what is added to numerator and denominator


def rows(home: Path, sql: str, database: str = "kefu.duckdb") -> list[Row]:
    with duckdb.connect(str(home / database), read_only=True) as connection:
        result = connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


# What is judged for a metric: the relation, the column that says whose it is, and what one adds when it counts.
SESSIONS = "judged.int_xiaohongshu__judged_sessions"
THINGS: dict[tuple[str, str], tuple[str, str, Callable[[Row], Score | None]]] = {
    ("taobao", "response_rate_3min"): ("marts.taobao_rounds", "account_id", lambda one: (one["is_on_time"], 1)),
    ("taobao", "satisfaction_rate"): ("marts.taobao_ratings", "account_id", lambda one: (one["is_satisfied"], 1)),
    ("kuaishou", "positive_rating_rate"): ("marts.kuaishou_ratings", "agent_id", lambda one: (one["is_satisfied"], 1)),
    ("kuaishou", "negative_rating_rate"): ("marts.kuaishou_ratings", "agent_id", lambda one: (one["level"] == "disappointed", 1)),
    ("xiaohongshu", "reply_rate_24h"): (SESSIONS, "account_id", lambda one: (one["is_replied_24h"], 1)),
    ("xiaohongshu", "avg_first_response_seconds"): (
        SESSIONS,
        "account_id",
        lambda one: (one["first_response_seconds"], 1) if one["is_replied_24h"] else None,
    ),
    ("xiaohongshu", "first_response_rate_45s"): (
        SESSIONS,
        "account_id",
        lambda one: (one["is_on_time"], 1) if one["in_work_hours"] else None,
    ),
}
REMARKS = {
    "outside_work_hours",
    "taken_over_unanswered",
}  # of a session, whether it counts or not; not_ended once it is left open


def is_out_for(one: Row, reason: str) -> bool:
    """Whether something does not count for this reason alone, remarks aside."""
    remarks = REMARKS | ({"not_ended"} if one.get("is_left_open") else set()) if "session_id" in one else set()
    return not one["is_counted"] and set(one["exclusion_reasons"]) - remarks == {reason}


def scores_of(things: list[Row], score: Callable[[Row], Score | None]) -> list[Score]:
    return [found for one in things if (found := score(one))]


def spans(home: Path) -> list[Row]:
    """The published figures with the days they are of."""
    return rows(home, "select * from metrics.int_reconciled_periods", "warehouse.duckdb")


def of_span(things: Iterable[Row], span: Row, account: str) -> list[Row]:
    return [
        one
        for one in things
        if one["shop_id"] == span["shop_id"]
        and span["period_start"] <= one["business_date"] <= span["period_end"]
        and span["account_id"] in (None, one[account])
    ]


def value(scores: list[Score]) -> float | None:
    total = sum(denominator for _, denominator in scores)
    return sum(float(numerator) for numerator, _ in scores) / total if total else None


def told(home: Path) -> dict[tuple[Any, ...], dict[str, tuple[int, float | None]]]:
    """The reasons of each published figure, with items and value_if."""
    found: dict[tuple[Any, ...], dict[str, tuple[int, float | None]]] = {}
    for row in rows(home, "from marts.reconciliation_reasons"):
        found.setdefault(key_of(row), {})[row["reason"]] = (row["items"], row["value_if"])
    return found


def key_of(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("platform", "metric", "shop_id", "account_id", "period", "period_end"))


def same(found: tuple[int, float | None] | None, expected: tuple[int, float | None]) -> bool:
    if found is None or found[0] != expected[0] or (found[1] is None) != (expected[1] is None):
        return False
    return found[1] is None or abs(found[1] - (expected[1] or 0)) < 1e-6


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_value_if_is_what_the_marts_give(built_homes: dict[str, Path], fixture: str) -> None:
    """Of each exclusion reason those it alone keeps out come in; what counts without its reply goes out."""
    home, reasons = built_homes[fixture], told(built_homes[fixture])
    looked_at = 0
    for span in spans(home):
        things = THINGS.get((span["platform"], span["metric"]))
        if not things:
            continue
        relation, account, score = things
        judged = of_span(rows(home, f"from {relation}", "warehouse.duckdb"), span, account)
        counted = [one for one in judged if one["is_counted"]]
        expected = {}
        for reason in {name for one in judged for name in one["exclusion_reasons"]}:
            if alone := scores_of([one for one in judged if is_out_for(one, reason)], score):
                expected[reason] = len(alone), value(scores_of(counted, score) + alone)
        for remark in ("not_ended", "taken_over_unanswered"):
            carrying = [one for one in counted if remark in one["exclusion_reasons"]]
            if going := scores_of(carrying, score):
                expected[remark] = len(going), value(scores_of([one for one in counted if one not in carrying], score))
        if span["metric"] == "first_response_rate_45s":
            outside = [(one["is_on_time"], 1) for one in counted if not one["in_work_hours"]]
            if outside:
                expected["outside_work_hours"] = len(outside), value(scores_of(counted, score) + outside)
        found = {name: row for name, row in reasons.get(key_of(span), {}).items() if name not in ("late_data", "boundary")}
        looked_at += len(found)
        assert found.keys() == expected.keys(), key_of(span)
        assert [name for name in found if not same(found[name], expected[name])] == [], (key_of(span), found, expected)
    assert looked_at > 20


@pytest.mark.parametrize("fixture", FIXTURES)
def test_people_are_counted_anew(built_homes: dict[str, Path], fixture: str) -> None:
    """K-03, K-11: a person, or a session, comes in with all rounds of the day."""
    home, reasons = built_homes[fixture], told(built_homes[fixture])
    judged = rows(home, "from marts.kuaishou_rounds")
    units = {"human_reply_rate_3min": "user_id", "human_reply_rate_3min_sessions": "session_id"}
    looked_at = 0
    for span in spans(home):
        unit = units.get(span["metric"])
        if not unit:
            continue
        of_figure = of_span(judged, span, "agent_id")
        for reason, found in reasons.get(key_of(span), {}).items():
            if reason in ("late_data", "boundary"):
                continue
            alone = [one for one in of_figure if one["exclusion_reasons"] == [reason]]
            answered: dict[tuple[Any, Any], bool] = {}
            for one in of_figure:
                if one["is_counted"] or one in alone:
                    key = one["business_date"], one[unit]
                    answered[key] = answered.get(key, True) and one["is_on_time"]
            expected = len(alone), sum(answered.values()) / len(answered)
            assert same(found, expected), (key_of(span), reason, found, expected)
            looked_at += 1
    assert looked_at > 3


@pytest.mark.parametrize("fixture", FIXTURES)
def test_boundaries_and_late_data_are_what_the_rows_say(built_homes: dict[str, Path], fixture: str) -> None:
    """Of Taobao's rounds: within a second of 180 s or of an edge of the window, and what came more than a day late."""
    home, reasons = built_homes[fixture], told(built_homes[fixture])
    judged = rows(
        home,
        """
        select r.*, u.window_start, u.window_end from marts.taobao_rounds r join rules.round_rules u using (rule_version)
        """,
        "warehouse.duckdb",
    )
    late = {
        row["message_id"]
        for row in rows(
            home, "select message_id from raw.taobao_messages where _stands and _dt > sent_at::date + 1", "warehouse.duckdb"
        )
    }
    looked_at = 0
    for span in spans(home):
        if span["metric"] != "response_rate_3min":
            continue
        of_figure = of_span(judged, span, "account_id")
        scores, cases, lateness, rest = [], 0, 0, []
        for one in of_figure:
            midnight = one["clock_started_at"].replace(hour=0, minute=0, second=0, microsecond=0)
            edges = (midnight + one["window_start"], midnight + one["window_end"])
            at_an_edge = any(abs(one["clock_started_at"] - edge) <= timedelta(seconds=1) for edge in edges)
            if one["is_counted"]:
                at_the_target = one["response_seconds"] is not None and abs(one["response_seconds"] - 180) <= 1
                cases += at_an_edge or at_the_target
                if not at_an_edge:
                    scores.append((one["is_on_time"] != at_the_target, 1))
                is_late = bool({one["first_message_id"], one["first_reply_id"]} & late)
                lateness += is_late
                rest += [] if is_late else [(one["is_on_time"], 1)]
            elif one["exclusion_reasons"] == ["outside_window"] and at_an_edge:
                cases += 1
                scores.append((one["is_on_time"], 1))
        found = reasons.get(key_of(span), {})
        for reason, count, left in (("boundary", cases, scores), ("late_data", lateness, rest)):
            assert (reason in found) == (count > 0), (key_of(span), reason)
            if count:
                looked_at += 1
                assert same(found[reason], (count, value(left))), (key_of(span), reason, found[reason], count, value(left))
    assert looked_at


@pytest.mark.parametrize("fixture", ["case102"])
def test_explain_tells_each_figure_that_the_platform_published(built_homes: dict[str, Path], fixture: str) -> None:
    home, reasons = built_homes[fixture], told(built_homes[fixture])
    says = {"match": "they agree 一致", "differs": "不一致", "missing_computed": "nothing is computed 无计算值"}
    for row in rows(home, "from marts.reconciliation order by all")[::4]:
        outcome = kefu("explain", f"{row['platform']}/{row['shop_id']}/{row['period_end']}/{row['metric']}", "--home", home)
        assert outcome.code == 0, outcome.err
        whose = f", {row['account_id']}" if row["account_id"] else ""
        section = outcome.out.split(f"  Reconciliation 对账 {row['period']}{whose}\n")[1]
        difference, *lines = [line.strip() for line in takewhile(lambda line: line.startswith("    "), section.splitlines())]
        assert difference.startswith("official 官方 ") and says[row["status"]] in difference
        named = {line.split(":")[0] for line in lines}
        assert named == (set() if row["status"] == "match" else set(reasons.get(key_of(row), {})))
        for line in lines[:1]:
            identifier = line.rsplit("such as ", 1)[1].split(", ")[0]
            alone = kefu("explain", identifier, "--home", home)
            assert alone.code == 0 or "is the id of several things" in alone.err, identifier
