"""What the marts give reason to tell, and how it is worded: on tables made by hand, and on those of a built home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.alerts.alert import Alert
from orchestration.alerts.causes import causes

pytestmark = pytest.mark.readers

NOON = datetime(2025, 10, 31, 12)


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        yield connection


def texts(alerts: list[Alert]) -> list[str]:
    return [alert.text for alert in alerts]


def deliver(marts: duckdb.DuckDBPyConnection, table: str, days: str, newest: int = 30) -> None:
    """The days of October up to the newest one, of which `days` were delivered, as `1-20,25`."""
    marts.execute(
        """
        create table if not exists marts.delivery_status (
            platform varchar, table_name varchar, dt date, is_delivered boolean, row_count bigint
        )
        """
    )
    ranges = [[int(end) for end in part.split("-")] for part in days.split(",") if part]
    delivered = {day for part in ranges for day in range(part[0], part[-1] + 1)}
    for day in range(1, newest + 1):
        marts.execute(
            "insert into marts.delivery_status values ('taobao', ?, ?, ?, 0)", [table, f"2025-10-{day:02}", day in delivered]
        )


def test_the_latest_gap_of_each_table_is_told(marts: duckdb.DuckDBPyConnection) -> None:
    deliver(marts, "whole", "1-30")
    deliver(marts, "ends_early", "1-27")
    deliver(marts, "has_gaps", "1-9,11-20,23-30")
    deliver(marts, "never", "")
    assert texts(causes(marts, NOON)) == [
        "taobao/ends_early: nothing delivered for dt=2025-10-28, 3 days in all",
        "taobao/has_gaps: nothing delivered for dt=2025-10-21, 2 days in all",
        "taobao/never: nothing delivered for dt=2025-10-01, 30 days in all",
    ]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2025, 10, 30, 5, 59), []),
        (datetime(2025, 10, 30, 6), ["taobao/t: nothing delivered for dt=2025-10-29"]),
        (datetime(2025, 11, 1, 5, 59), ["taobao/t: nothing delivered for dt=2025-10-29, 2 days in all"]),
        (datetime(2025, 11, 1, 6), ["taobao/t: nothing delivered for dt=2025-10-29, 3 days in all"]),
    ],
)
def test_yesterday_is_expected_from_six_on(marts: duckdb.DuckDBPyConnection, now: datetime, expected: list[str]) -> None:
    deliver(marts, "t", "1-28", newest=28)
    alerts = causes(marts, now)
    assert texts(alerts) == expected
    assert {alert.cause for alert in alerts} <= {"delivery missing/taobao/t/2025-10-29"}, "a gap that grows is the same gap"


def test_today_delivered_already_says_nothing_of_the_days_before(marts: duckdb.DuckDBPyConnection) -> None:
    deliver(marts, "t", "1-31", newest=31)
    deliver(marts, "u", "1-30", newest=31)
    assert causes(marts, NOON) == []


def outlook(marts: duckdb.DuckDBPyConnection, *rows: str) -> list[Alert]:
    marts.execute(
        f"""
        create or replace table marts.metric_outlook as
        select 'taobao' as platform, 's1' as shop_id, 'month' as period, date '2025-10-29' as period_end, v.*
        from (values {", ".join(rows)}) v(
            metric, value, unit, target, days_left, expected_denominator, needed_numerator, allowed_numerator, status
        )
        """
    )
    return causes(marts, NOON)


def test_a_target_in_danger_says_what_is_left_to_do(marts: duckdb.DuckDBPyConnection) -> None:
    alerts = outlook(
        marts,
        "('satisfaction_rate', 0.684, 'share', 0.7, 5, 1200, 900, null, 'at_risk')",
        "('response_rate_3min', 0.5, 'share', 0.8, 5, 10, 11, null, 'lost')",
        "('response_rate', 0.5, 'share', 0.8, 0, 0, 11, null, 'missed')",
        "('rejection_click_rate', 0.06, 'share', 0.05, 5, 50, null, 1, 'at_risk')",
        "('rejection', 0.08, 'share', 0.05, 5, 50, null, -1, 'lost')",
        "('avg_reply_interval_seconds', 60.25, 'seconds', 60, 5, 10, null, 599.5, 'at_risk')",
        "('met', 1, 'share', 0.8, 5, 50, 0, null, 'met')",
        "('few', 0, 'share', 0.8, 5, 50, 10, null, 'not_assessed')",
    )
    assert texts(alerts) == [
        "taobao s1 avg_reply_interval_seconds: 60.2 s so far, target 60.0 s at risk (month to 2025-10-29): "
        "600 s still allowed for 10 cases expected in the 5 days left",
        "taobao s1 rejection: 8.0% so far, target 5.0% can no longer be met (month to 2025-10-29): "
        "1 too many for 50 cases expected in the 5 days left",
        "taobao s1 rejection_click_rate: 6.0% so far, target 5.0% at risk (month to 2025-10-29): "
        "1 still allowed for 50 cases expected in the 5 days left",
        "taobao s1 response_rate: 50.0% in the month to 2025-10-29, target 80.0% missed",
        "taobao s1 response_rate_3min: 50.0% so far, target 80.0% can no longer be met (month to 2025-10-29): "
        "11 of 10 cases expected in the 5 days left have to succeed",
        "taobao s1 satisfaction_rate: 68.4% so far, target 70.0% at risk (month to 2025-10-29): "
        "900 of 1,200 cases expected in the 5 days left have to succeed",
    ]


def test_a_window_that_rolls_speaks_of_the_next_day_and_is_told_once_a_month(marts: duckdb.DuckDBPyConnection) -> None:
    def rolling(end: str, status: str) -> list[Alert]:
        outlook(marts, f"('response_rate_3min', 0.7, 'share', 0.8, 1, 40, 39, null, '{status}')")
        marts.execute(f"update marts.metric_outlook set period = 'rolling_30d', period_end = date '{end}'")
        return causes(marts, NOON)

    assert texts(rolling("2025-10-29", "at_risk")) == [
        "taobao s1 response_rate_3min: 70.0% so far, target 80.0% at risk (30 days to 2025-10-29): "
        "39 of 40 cases expected on the next day have to succeed"
    ]
    assert "target 80.0% cannot be met that day (30 days" in texts(rolling("2025-10-29", "lost"))[0]
    told = [rolling(end, "at_risk")[0].cause for end in ("2025-10-29", "2025-10-30", "2025-11-01")]
    assert told[0] == told[1] != told[2]


def reconciled(marts: duckdb.DuckDBPyConnection, *rows: str) -> list[Alert]:
    marts.execute(
        f"""
        create or replace table marts.metrics as
        select 'taobao' as platform, * from (values ('rate', 'share'), ('mean', 'seconds')) v(metric, unit);
        create or replace table marts.reconciliation as
        select 'taobao' as platform, 's1' as shop_id, v.*
        from (values {", ".join(rows)}) v(metric, account_id, period, period_end, official_value, computed_value, status)
        """
    )
    return causes(marts, NOON)


def test_figures_that_differ_are_told_by_shop_and_metric_with_the_newest_one(marts: duckdb.DuckDBPyConnection) -> None:
    older = "('rate', null, 'day', date '2025-10-28', 0.9, 0.8, 'differs')"
    newest = "('rate', null, 'month', date '2025-10-31', 0.9, 0.95, 'differs')"
    others = (
        "('rate', 'a', 'month', date '2025-10-31', 0.9, 0.8, 'differs')",
        "('rate', null, 'day', date '2025-10-30', 0.9, 0.9, 'match')",
        "('rate', null, 'day', date '2025-08-30', 0.9, null, 'missing_computed')",
        "('mean', 'a', 'day', date '2025-10-30', 61.26, 59, 'differs')",
    )
    assert texts(reconciled(marts, older, newest, *others)) == [
        "taobao s1 mean: 1 of 1 official figures differ; day to 2025-10-30 of a: official 61.3 s, computed 59.0 s; "
        "kefu explain taobao/s1/2025-10-30/mean",
        "taobao s1 rate: 3 of 5 official figures differ; month to 2025-10-31: official 90.0%, computed 95.0%; "
        "kefu explain taobao/s1/2025-10-31/rate",
    ]
    assert {alert.cause for alert in reconciled(marts, older)} != {alert.cause for alert in reconciled(marts, older, newest)}


def test_worsening_is_another_cause_and_another_value_is_not(marts: duckdb.DuckDBPyConnection) -> None:
    def told(value: float, status: str) -> set[str]:
        return {alert.cause for alert in outlook(marts, f"('m', {value}, 'share', 0.8, 5, 50, 30, null, '{status}')")}

    assert told(0.5, "at_risk") == told(0.6, "at_risk")
    assert len(told(0.5, "at_risk") | told(0.5, "lost") | told(0.5, "missed")) == 3


@pytest.fixture
def taobao(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """As of 2025-10-31 00:00; news is what was rated on the 29th or later."""
    marts.execute(
        """
        create table marts.data_freshness as
        select * from (values
            ('taobao', 'messages', date '2025-10-30'), ('taobao', 'shops', date '2025-10-01'),
            ('taobao', 'official_metrics', date '2025-11-05'), ('kuaishou', 'messages', date '2025-11-30')
        ) v(platform, table_name, last_dt);

        create table marts.taobao_ratings as
        select *, 'tb' as shop_id, 'tb:a' as account_id
        from (values
            ('old', 3, false, []), ('new', 3, false, []), ('satisfied', 1, true, []), ('spoilt', 4, false, []),
            ('left_out', 2, false, ['fake_order', 'other'])
        ) v(card_id, eval_code, is_satisfied, exclusion_reasons);

        create table marts.rating_changes as
        select * from (values
            ('old', timestamp '2025-10-29 10:00', false), ('spoilt', timestamp '2025-10-28 09:00', true),
            ('spoilt', timestamp '2025-10-30 11:00', true), ('spoilt', timestamp '2025-10-30 12:00', false)
        ) v(card_id, changed_at, is_effective);

        create table marts.taobao_rating_recoveries as
        select * from (values
            ('old', timestamp '2025-10-28 23:59:59', timestamp '2025-10-29 23:59:59', false),
            ('new', timestamp '2025-10-30 10:00', timestamp '2025-10-31 10:00', true),
            ('left_out', timestamp '2025-10-29 00:00', timestamp '2025-10-30 00:00', false)
        ) v(card_id, first_rated_at, editable_until, is_editable);
        """
    )
    return marts


def test_new_ratings_of_taobao_say_until_when_they_can_be_changed(taobao: duckdb.DuckDBPyConnection) -> None:
    assert texts(causes(taobao, NOON)) == [
        "taobao tb tb:a: card left_out rated eval_code 2 at 2025-10-29 00:00; does not count (fake_order, other)",
        "taobao tb tb:a: card new rated eval_code 3 at 2025-10-30 10:00; the buyer can change it until 2025-10-31 10:00",
        "taobao tb tb:a: card spoilt rated eval_code 4 at 2025-10-30 11:00",
    ]


def test_new_ratings_of_kuaishou(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute(
        """
        create table marts.data_freshness as
        select 'kuaishou' as platform, 'messages' as table_name, date '2025-10-30' as last_dt;
        create table marts.kuaishou_ratings as
        select *, 'ks' as shop_id, []::varchar[] as exclusion_reasons
        from (values
            ('k1', null, 'disappointed', false, timestamp '2025-10-29 00:00'),
            ('k2', 'a', 'satisfied', true, timestamp '2025-10-30 00:00'),
            ('k3', 'a', 'neutral', false, timestamp '2025-10-28 23:59')
        ) v(card_id, agent_id, level, is_satisfied, sent_at)
        """
    )
    assert texts(causes(marts, NOON)) == ["kuaishou ks no account: card k1 rated disappointed at 2025-10-29 00:00"]


def test_new_ratings_of_xiaohongshu_are_judged_by_the_rules_of_their_day(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute(
        """
        create table marts.data_freshness as
        select 'xiaohongshu' as platform, 'messages' as table_name, date '2025-10-30' as last_dt;
        create table marts.rule_parameters as
        select * from (values
            ('xiaohongshu', 'satisfied_min_stars', '4', null, date '2025-10-29'),
            ('xiaohongshu', 'satisfied_min_stars', '5', date '2025-10-30', null)
        ) v(scope, parameter, value, valid_from, valid_to);
        create table marts.xiaohongshu_sessions as
        select *, 'xs' as shop_id, 'a' as account_id, entered_at::date as business_date, ['remark'] as exclusion_reasons
        from (values
            ('x1', 4, true, timestamp '2025-10-29 10:00', timestamp '2025-10-29 11:00'),
            ('x2', 3, true, timestamp '2025-10-29 10:00', timestamp '2025-10-29 11:00'),
            ('x3', 4, false, timestamp '2025-10-30 10:00', null),
            ('x4', null, true, timestamp '2025-10-30 10:00', null),
            ('x5', 1, true, timestamp '2025-10-28 10:00', timestamp '2025-10-28 11:00')
        ) v(session_id, stars, is_counted, entered_at, ended_at)
        """
    )
    assert texts(causes(marts, NOON)) == [
        "xiaohongshu xs a: session x2 rated 3 stars at 2025-10-29 11:00",
        "xiaohongshu xs a: session x3 rated 4 stars at 2025-10-30 10:00; does not count (remark)",
    ]


def test_the_newest_month_of_the_click_rate_is_told_by_its_band(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute(
        """
        create table marts.taobao_rejection_status as
        select * from (values
            ('s1', date '2025-09-01', 'severe', 0.1, 100, 1000, true), ('s1', date '2025-10-01', 'healthy', 0.0, 0, 100, true),
            ('s2', date '2025-10-01', 'watch', 0.02, 40, 2000, true), ('s3', date '2025-10-01', 'severe', 0.5, 1, 2, false)
        ) v(shop_id, month, band, click_rate, clicks, exposures, is_assessed)
        """
    )
    alerts = causes(marts, NOON)
    assert texts(alerts) == [
        "taobao s2 is in the band watch: 40 of 2,000 prompts clicked (2.0%) in 2025-10",
        "taobao s3 is in the band severe: 1 of 2 prompts clicked (50.0%) in 2025-10, too few to be assessed so far",
    ]
    assert [alert.cause for alert in alerts] == [
        "rejection click rate/s2/2025-10-01/watch",
        "rejection click rate/s3/2025-10-01/severe",
    ]


def test_a_built_home_gives_reasons_of_each_kind(built_homes: dict[str, Path]) -> None:
    with duckdb.connect(str(built_homes["case101"] / "kefu.duckdb"), read_only=True) as marts:
        alerts = causes(marts, NOON)
        (metrics,) = marts.execute(
            "select count(*) from marts.metric_outlook where status in ('at_risk', 'lost', 'missed')"
        ).fetchall()[0]
    kinds = [alert.kind for alert in alerts]
    assert {"metric off its target", "rejection click rate", "dissatisfied rating", "official figure differs"} <= set(kinds)
    assert kinds.count("metric off its target") == metrics > 10
    assert len({alert.cause for alert in alerts}) == len(alerts)
    assert not [alert for alert in alerts if "\n" in alert.text]


def test_who_reads_chinese_is_told_in_chinese(built_homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of everything a built home gives reason to tell; what is told already is known by the same causes."""
    told: dict[str, list[Alert]] = {}
    with duckdb.connect(str(built_homes["case103"] / "kefu.duckdb"), read_only=True) as connection:
        (now,) = connection.execute("select max(last_dt) + 3 + time '12:00' from marts.data_freshness").fetchall()
        for language in ("en", "zh"):
            monkeypatch.setenv("KEFU_LANG", language)
            told[language] = causes(connection, now[0])
    assert [alert.cause for alert in told["zh"]] == [alert.cause for alert in told["en"]]
    assert len({alert.kind for alert in told["zh"]}) >= 4
    for alert in told["zh"]:
        assert re.search("[\u4e00-\u9fff]{2}", alert.text), alert.text
        assert not re.search(r"\b(target|expected|nothing|official|computed|rated|cases|day|count|prompts)\b", alert.text), (
            alert.text
        )
