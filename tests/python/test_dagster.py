"""Dagster over the same steps as the command line: runs over days and months, what they show, checks that stop publishing."""

import base64
import json
import logging
import os
import re
import time
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest
from harness import FIXTURES, build, kefu, marts, query

from orchestration.build.months import months_to_close, obstacles
from orchestration.build.ranges import day_ranges, month_ranges
from orchestration.build.state import Dates, opened
from orchestration.home import PROJECT, one_writer, open_home
from orchestration.runs.assets import POOL, BuildConfig
from orchestration.runs.definitions import definitions
from orchestration.runs.instance import instance_of
from orchestration.runs.live import MOST_SECONDS, live_result, live_sensor
from orchestration.runs.partitions import Calendar, calendar_of, dates_of, range_tags
from orchestration.runs.run_build import CAUSE, PUBLISHED

CASE = "case105"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> tuple[dg.Definitions, Path]:
    home = open_home(tmp_path_factory.mktemp("dagster"))
    return definitions(home, FIXTURES / CASE / "landing"), home.path


@pytest.fixture(scope="module")
def defs(empty: tuple[dg.Definitions, Path]) -> tuple[dg.Definitions, Path]:
    """A home of which three days were built in one run, then the rest in another."""
    _, home = empty
    result = run(empty, "2023-03-22", "2023-03-24", with_touched=False)
    assert result.success
    days = query(home, "select distinct business_date from marts.taobao_rounds order by 1")
    assert [str(day) for (day,) in days] == ["2023-03-22", "2023-03-23", "2023-03-24"], "those dates and no other"
    checks = result.get_asset_check_evaluations()
    assert len(checks) > 15
    assert all(check.passed for check in checks if check.severity == dg.AssetCheckSeverity.ERROR)
    assert {(check.asset_key.path[-1], check.check_name) for check in checks} >= {
        ("delivery_status", "deliveries_have_arrived"),
        ("delivery_status", "volume_is_usual"),
        ("delivery_status", "few_rows_are_rejected"),
        ("data_freshness", "platforms_are_fresh"),
    }
    assert run(empty, "2023-03-30", "2023-03-30", with_touched=True).success
    return empty


def run(
    defs: tuple[dg.Definitions, Path], first: str, last: str, *, with_touched: bool, only: str | None = None
) -> dg.ExecuteInProcessResult:
    """The daily job over a range of days, of one mart where `only` names it."""
    definition, home = defs
    with instance_of(open_home(home)) as instance:
        return definition.resolve_job_def("daily_build").execute_in_process(
            instance=instance,
            run_config=dg.RunConfig(ops={"models": BuildConfig(with_touched=with_touched)}),
            tags=range_tags(first, last),
            asset_selection=[dg.AssetKey(["marts", only])] if only else None,
            raise_on_error=False,
        )


def close(defs: tuple[dg.Definitions, Path], month: str) -> dg.ExecuteInProcessResult:
    """The monthly job for the month that begins on that date."""
    definition, home = defs
    with instance_of(open_home(home)) as instance:
        return definition.resolve_job_def("monthly_build").execute_in_process(
            instance=instance, partition_key=month, raise_on_error=False
        )


def materialized(home: Path, asset: str) -> set[str]:
    with instance_of(open_home(home)) as instance:
        return set(instance.get_materialized_partitions(dg.AssetKey(["marts", asset])))


def test_one_run_over_a_range_builds_those_dates_and_the_rest_follows(
    defs: tuple[dg.Definitions, Path], built_homes: dict[str, Path]
) -> None:
    _, home = defs
    assert marts(home) == marts(built_homes[CASE])
    assert {"2023-03-20", "2023-03-30", "2023-03-31"} <= materialized(home, "taobao_rounds"), "touched dates are reported as well"


def test_a_backfill_of_one_mart_is_published_with_rows_figures_and_a_picture(defs: tuple[dg.Definitions, Path]) -> None:
    _, home = defs
    before = (home / "kefu.duckdb").resolve()
    result = run(defs, "2023-03-21", "2023-03-23", with_touched=False, only="service_metrics")
    assert result.success
    assert (home / "kefu.duckdb").resolve() != before
    told = {
        event.asset_key.path[-1]: event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    assert set(told) == {"service_metrics", "published_marts"}
    assert told["service_metrics"]["dagster/row_count"].value == query(home, "select count(*) from marts.service_metrics")[0][0]
    for metadata in told.values():
        assert {record.data["platform"] for record in metadata["metrics"].records} == {"taobao", "kuaishou", "xiaohongshu"}
        (drawing,) = re.fullmatch(
            r"!\[response rate\]\(data:image/svg\+xml;base64,(.*)\)", metadata["response_rate"].value
        ).groups()
        shown = "".join(ElementTree.fromstring(base64.b64decode(drawing)).itertext())
        assert "响应率" in shown and "2023-03-23" in shown and "3分钟人工响应率, 目标 90%" in shown
    assert told["published_marts"]["rows"].value["taobao_rounds"] == query(home, "select count(*) from marts.taobao_rounds")[0][0]

    for day in ("2023-03-21", "2023-03-22", "2023-03-23"):  # of a run over several days each has its own figures
        with instance_of(open_home(home)) as instance:
            filter = dg.AssetRecordsFilter(dg.AssetKey(["marts", "service_metrics"]), asset_partitions=[day])
            (record, *_) = instance.fetch_materializations(filter, limit=1).records
        assert record.run_id == result.run_id and record.asset_materialization
        metadata = record.asset_materialization.metadata
        shown = {(row.data["platform"], row.data["metric"]): row.data for row in metadata["metrics"].value.records}
        found = query(
            home,
            f"""
            select platform, metric, count(*), count(is_met), count(*) filter (where is_met) from marts.service_metrics
            where subject = 'shop' and period = 'day' and period_end = '{day}' group by all
            """,
        )
        assert {row["business_date"] for row in shown.values()} == {day}
        assert {key: row["shops"] for key, row in shown.items()} == {(row[0], row[1]): row[2] for row in found}
        assert {key: row["shops_that_meet_it"] for key, row in shown.items()} == {
            (platform, metric): met if assessed else "" for platform, metric, _, assessed, met in found
        }
        assert "" in {row["shops_that_meet_it"] for row in shown.values()}, "no target, or too few cases to be assessed"
        (rows,) = query(
            home, f"select count(*) from marts.service_metrics where date '{day}' between period_start and period_end"
        )[0]
        assert metadata["rows_of_dates_built"].value == rows


def test_each_day_of_a_range_has_its_checks(defs: tuple[dg.Definitions, Path]) -> None:
    _, home = defs
    key = dg.AssetCheckKey(dg.AssetKey(["marts", "taobao_rounds"]), "taobao_keys_are_unique")
    with instance_of(open_home(home)) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    assert {record.partition for record in records if record.status.value == "SUCCEEDED"} >= {
        "2023-03-22", "2023-03-23", "2023-03-24"
    }  # fmt: skip
    assert not [record for record in records if record.status.value == "PLANNED"]


def test_a_month_closes_once_every_day_has_landed_and_passed(
    defs: tuple[dg.Definitions, Path], built_homes: dict[str, Path]
) -> None:
    _, home = defs
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("create table kept as from raw.deliveries where dt = '2023-03-25' and table_name = 'messages'")
        connection.execute("delete from raw.deliveries where dt = '2023-03-25' and table_name = 'messages'")
        connection.execute("insert into build.held_dates values ('taobao', '2023-03-26', 'unique_something')")
    with opened(open_home(home)) as state:
        found = obstacles(state, date(2023, 4, 1))
    missing = r"taobao [\w, ]+ of 2023-04-\d\d to 2023-04-30 \(dt=2023-04-\d\d to 2023-04-30\) has not arrived"
    assert any(re.fullmatch(missing, line) for line in found), found
    assert len(found) < 10, "ranges, and not each table and day"
    refused = str(close(defs, "2023-03-01").failure_data_for_node("months"))
    for reason in (
        "kuaishou messages of 2023-03-25 (dt=2023-03-25) has not arrived",
        "taobao messages of 2023-03-25 (dt=2023-03-25) has not arrived",
        "taobao 2023-03-26 failed its check unique_something",
    ):
        assert reason in refused
    assert materialized(home, "taobao_grades") == set()

    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("insert into raw.deliveries from kept; drop table kept; delete from build.held_dates")
    assert months_to_close(open_home(home), date(2023, 3, 31)) == ({}, []), "its last day is not over"
    over, waiting = months_to_close(open_home(home), date(2023, 4, 1))
    assert (list(over), waiting) == ([date(2023, 3, 1)], [])
    assert close(defs, "2023-03-01").success
    for asset in ("taobao_grades", "taobao_message_limits", "taobao_rejection_status", "xiaohongshu_assessments"):
        assert materialized(home, asset) == {"2023-03-01"}
    assert marts(home) == marts(built_homes[CASE])
    assert months_to_close(open_home(home), date(2023, 4, 1)) == ({}, []), "closed"


def test_a_failed_check_names_its_rows_and_day_and_stops_publishing(defs: tuple[dg.Definitions, Path]) -> None:
    _, home = defs
    before = (home / "kefu.duckdb").resolve()
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:  # what no landing lets in: a card twice
        (card, day), *_ = connection.execute(
            "select card_id, business_date from marts.kuaishou_ratings where business_date between '2023-03-22' and '2023-03-24'"
        ).fetchall()
        connection.execute("insert into raw.kuaishou_rating_cards from raw.kuaishou_rating_cards where card_id = ?", [card])
        (twice,) = connection.execute("select max(rowid) from raw.kuaishou_rating_cards").fetchall()[0]
    result = run(defs, "2023-03-22", "2023-03-24", with_touched=False, only="kuaishou_rounds")
    assert not result.success
    name = "kuaishou_keys_are_unique"
    failed = {
        check.partition: check
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    }
    assert {check.check_name for check in failed.values()} == {name}
    assert set(failed) == {None, str(day)}, "the other days of the run passed it"
    rows = failed[None].metadata["rows"].value
    assert [(row["mart"], row["card_id"]) for row in rows] == [("kuaishou_ratings", card)] * 2
    assert not {"user_id", "buyer_id"} & set(rows[0]), "who it is does not go to Dagster's storage"
    assert f"check {name} failed: 2 rows: " in str(result.failure_data_for_node("models"))
    assert (home / "kefu.duckdb").resolve() == before
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        assert connection.execute("select business_date from build.held_dates").fetchall() == [(day,)]
    with instance_of(open_home(home)) as instance:
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(dg.AssetKey(["marts", "kuaishou_rounds"]), name)]
        )
        assert [record.status.value for record in latest.values()] == ["FAILED"], "the list of checks shows it, not the good days"
        scheduled = run(defs, "2023-03-22", "2023-03-24", with_touched=True, only="kuaishou_rounds")
        assert scheduled.success, "a schedule's range leaves the day out"
        key = dg.AssetCheckKey(dg.AssetKey(["marts", "kuaishou_rounds"]), name)
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
        statuses = {record.partition: record.status.value for record in records if record.run_id == scheduled.run_id}
    assert {partition for partition, status in statuses.items() if status == "FAILED"} == {str(day)}
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw.kuaishou_rating_cards where rowid = ?", [twice])
    assert run(defs, str(day), str(day), with_touched=False, only="kuaishou_rounds").success, "asked for, it is built"


def test_a_run_beside_a_build_that_does_not_end_fails_and_says_why(
    empty: tuple[dg.Definitions, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, home = empty
    monkeypatch.setattr("orchestration.runs.assets.PATIENCE_SECONDS", 0.5)
    with one_writer(open_home(home)):
        result = run(empty, "2023-03-22", "2023-03-22", with_touched=False)
    assert not result.success
    assert "another build is writing to" in str(result.failure_data_for_node("models"))


def test_the_minutely_run_takes_today_once_something_new_has_landed(tmp_path: Path) -> None:
    home, landing = open_home(tmp_path / "home"), tmp_path / "landing"
    deliver_message(landing, "m1")
    definition = definitions(home, landing)
    schedule = definition.resolve_schedule_def("every_minute")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED

    def tick() -> dg.RunRequest | str:
        now = datetime.now(UTC)
        with dg.build_schedule_context(scheduled_execution_time=now, repository_def=definition.get_repository_def()) as context:
            data = schedule.evaluate_tick(context)
        if data.run_requests:
            today = str(now.astimezone(ZoneInfo("Asia/Shanghai")).date())
            assert range_tags(today, today).items() <= data.run_requests[0].tags.items()
            return data.run_requests[0]
        assert data.skip_message
        return data.skip_message

    request = tick()
    assert isinstance(request, dg.RunRequest)
    with one_writer(home):
        assert "another build is writing to" in str(tick())
    with instance_of(home) as instance:
        job = definition.resolve_job_def("realtime")
        assert job.execute_in_process(instance=instance, run_config=request.run_config, tags=request.tags).success
    assert query(home.path, "select user_id from marts.kuaishou_rounds") == [("u",)]
    assert tick() == "nothing new has landed"
    deliver_message(landing, "m2")
    assert isinstance(tick(), dg.RunRequest)


def deliver_message(landing: Path, message: str, day: str = "2025-10-01") -> None:
    folder = landing / "kuaishou" / "messages" / f"dt={day}"
    folder.mkdir(parents=True, exist_ok=True)
    row = {"message_id": message, "session_id": "c", "shop_id": "s", "user_id": "u", "sender_kind": "user"}
    (folder / "part.jsonl").write_text(json.dumps({**row, "sent_at": f"{day} 10:00:00"}), encoding="utf-8")


def test_a_day_without_data_is_told_and_nothing_is_built(tmp_path: Path) -> None:
    home, landing = open_home(tmp_path / "home"), tmp_path / "landing"
    deliver_message(landing, "m1")
    deliver_message(landing, "m2", day="2026-01-03")
    build(landing, home.path)
    before = home.published.resolve()
    result = run((definitions(home, landing), home.path), "2025-11-01", "2025-11-02", with_touched=False)
    assert result.success
    assert home.published.resolve() == before
    assert not result.get_asset_materialization_events()
    with instance_of(home) as instance:
        record = instance.get_run_by_id(result.run_id)
    assert record and record.tags[CAUSE].startswith("nothing to build: nothing has landed of 2025-11-01 to 2025-11-02")


def test_the_first_line_of_a_failed_run_is_its_cause(tmp_path: Path) -> None:
    home, landing = open_home(tmp_path / "home"), tmp_path / "landing"
    deliver_message(landing, "m1")
    (landing / "kuaishou/messages/dt=2025-10-01/part.jsonl").rename(landing / "kuaishou/messages/dt=2025-10-01/part.parquet")
    result = run((definitions(home, landing), home.path), "2025-10-01", "2025-10-01", with_touched=True)
    assert not result.success
    cause = "kuaishou/messages/dt=2025-10-01/part.parquet"
    with instance_of(home) as instance:
        record = instance.get_run_by_id(result.run_id)
        logged = [entry.user_message for entry in instance.all_logs(result.run_id) if entry.level >= logging.ERROR]
    assert record and record.tags[CAUSE].startswith(cause)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_failure_data.error and failure.step_failure_data.error.message.splitlines()[0].partition(": ")[
        2
    ].startswith(cause)
    assert not [message for message in logged if "Dependencies" in message]


def test_a_run_that_could_not_read_one_platform_builds_the_others_and_fails_with_the_file(tmp_path: Path) -> None:
    home, landing = open_home(tmp_path / "home"), tmp_path / "landing"
    deliver_message(landing, "m1")
    broken = "xiaohongshu/messages/dt=2025-10-01/part.parquet"
    (landing / broken).parent.mkdir(parents=True)
    (landing / broken).write_bytes(b"not Parquet")
    result = run((definitions(home, landing), home.path), "2025-10-01", "2025-10-01", with_touched=True)
    assert not result.success
    with instance_of(home) as instance:
        record = instance.get_run_by_id(result.run_id)
    assert record and record.tags[CAUSE].startswith(broken)
    assert query(home.path, "select user_id from marts.kuaishou_rounds") == [("u",)]
    assert "2025-10-01" in materialized(home.path, "kuaishou_rounds")


def test_everything_that_writes_is_in_the_pool_of_one_and_backfills_in_one_run(empty: tuple[dg.Definitions, Path]) -> None:
    definition, home = empty
    with instance_of(open_home(home)) as instance:
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    assets_defs = definition.resolve_asset_graph().assets_defs
    executable = [assets for assets in assets_defs if assets.is_executable and assets.keys]  # a check alone writes nothing
    assert {assets.op.name for assets in executable} == {"models", "months"}
    for assets in executable:
        assert assets.op.pool == POOL
        assert assets.backfill_policy == dg.BackfillPolicy.single_run()


def test_what_is_by_month_has_months_and_the_rest_days(empty: tuple[dg.Definitions, Path]) -> None:
    graph, calendar = empty[0].resolve_asset_graph(), calendar_of(open_home(empty[1]), FIXTURES / CASE / "landing")
    by_month = {key.path[-1] for key in graph.executable_asset_keys if graph.get(key).partitions_def == calendar.monthly}
    assert by_month == {"taobao_grades", "taobao_message_limits", "taobao_rejection_status", "xiaohongshu_assessments"}
    assert all(graph.get(key).partitions_def in (calendar.daily, calendar.monthly) for key in graph.executable_asset_keys)


def test_checks_are_named_and_say_what_to_do(empty: tuple[dg.Definitions, Path]) -> None:
    graph = empty[0].resolve_asset_graph()
    files = {path.stem for path in (PROJECT / "tests" / "dbt").rglob("*.sql")}
    assert files - {key.name for key in graph.asset_check_keys} == {
        "nothing_in_landing_is_ignored",
        "metrics_are_described",
        "priority_settings_are_not_rejected",
        "metric_periods_are_as_long_as_the_rules_say",
    }, "of no asset that has partitions"
    for key in graph.asset_check_keys:
        description = graph.get_check_spec(key).description or ""
        assert len(key.name) <= 50 and "hash" not in key.name, key.name
        assert "To do: " in description and len(description) > 100 and "hash(" not in description, (key, description)
    described = {key.name: graph.get_check_spec(key).description or "" for key in graph.asset_check_keys}
    assert described["deliveries_have_arrived"].startswith("A business date of this build without a delivery")
    assert described["common_keys_are_unique"].startswith("A mart for all platforms that has two rows of one key")


def test_the_catalog_says_whose_an_asset_is_and_what_it_holds(empty: tuple[dg.Definitions, Path]) -> None:
    graph = empty[0].resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.owners and node.kinds and node.description, key
    messages = graph.get(dg.AssetKey(["kuaishou", "messages"]))
    schema = messages.metadata["dagster/column_schema"]
    assert {column.name: column.constraints.nullable for column in schema.columns}.items() >= {
        "message_id": False, "agent_id": True
    }.items()  # fmt: skip
    assert all(column.description for column in schema.columns)
    assert graph.get(PUBLISHED).freshness_policy


def test_partition_windows_end_where_the_next_one_begins() -> None:
    calendar = Calendar(date(2023, 3, 22))
    day, month = (
        calendar.daily.time_window_for_partition_key("2023-03-22"),
        calendar.monthly.time_window_for_partition_key("2024-02-01"),
    )
    assert dates_of(day, with_touched=True) == Dates(date(2023, 3, 22), date(2023, 3, 22), with_touched=True)
    assert dates_of(month, with_touched=False) == Dates(date(2024, 2, 1), date(2024, 2, 29), with_touched=False)


def test_neighbouring_days_and_months_are_one_run() -> None:
    days = [date(2023, 2, 28), date(2023, 3, 1), date(2023, 3, 3)]
    assert day_ranges(days) == [(days[0], days[1]), (days[2], days[2])]
    months = [date(2024, 1, 1), date(2023, 12, 1), date(2024, 3, 1)]
    assert month_ranges(months) == [(months[1], months[0]), (months[2], months[2])]


def test_the_running_day_is_observed_and_warned_of_once_it_stands_still(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    sensor = live_sensor(home)
    with instance_of(home) as instance:
        context = dg.build_sensor_context(instance)
        assert "has not run" in str(sensor(context).skip_message)
        assert live_result(home).passed
        message = {"message_id": "m", "session_id": "c", "shop_id": "s", "user_id": "u", "sender_kind": "user", "sent_at": NOON}
        file = tmp_path / "landing" / "kuaishou" / "messages" / "dt=2025-10-01" / "m.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(message), encoding="utf-8")
        outcome = kefu("live", "--landing", tmp_path / "landing", "--home", home.path, "--at", NOON, "--once")
        assert outcome.code == 0, outcome.err
        assert str(sensor(context).skip_message) == f"it is of {NOON}"
        (observed,) = instance.fetch_observations(dg.AssetKey("live"), limit=5).records
        assert observed.asset_observation.metadata["open"].value == 1
        long_ago = time.time() - MOST_SECONDS - 10
        os.utime(home.live.resolve(), (long_ago, long_ago))
        result = live_result(home)
        assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
        sensor(context)
        assert "stands still" in str(sensor(context).skip_message), "which is told once"


NOON = "2025-10-01 12:00:00"
