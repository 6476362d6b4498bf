"""Dagster over the same steps as the command line: one run over a range, the nightly run, checks that stop publishing."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest
from harness import FIXTURES, marts, query

from orchestration.assets import POOL, BuildConfig, partition_dates
from orchestration.definitions import definitions
from orchestration.home import one_writer, open_home
from orchestration.instance import instance_of
from orchestration.state import Dates

CASE = "case101"


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dg.Definitions, Path]:
    home = open_home(tmp_path_factory.mktemp("dagster"))
    return definitions(home, FIXTURES / CASE / "landing"), home.path


def run(defs: tuple[dg.Definitions, Path], first: str, last: str, *, with_touched: bool) -> dg.ExecuteInProcessResult:
    definition, home = defs
    with instance_of(open_home(home)) as instance:
        return definition.resolve_job_def("daily_build").execute_in_process(
            instance=instance,
            run_config=dg.RunConfig(ops={"models": BuildConfig(with_touched=with_touched)}),
            tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
            raise_on_error=False,
        )


def test_one_run_over_a_range_builds_those_dates_and_the_rest_follows(
    defs: tuple[dg.Definitions, Path], built_homes: dict[str, Path]
) -> None:
    _, home = defs
    result = run(defs, "2023-03-22", "2023-03-24", with_touched=False)
    assert result.success
    days = query(home, "select distinct business_date from marts.taobao_rounds order by 1")
    assert [str(day) for (day,) in days] == ["2023-03-22", "2023-03-23", "2023-03-24"]
    checks = result.get_asset_check_evaluations()
    assert len(checks) > 20
    assert all(check.passed for check in checks)

    assert run(defs, "2023-03-30", "2023-03-30", with_touched=True).success
    assert marts(home) == marts(built_homes[CASE])
    with instance_of(open_home(home)) as instance:
        partitions = instance.get_materialized_partitions(dg.AssetKey(["marts", "taobao_rounds"]))
    assert {"2023-03-20", "2023-03-22", "2023-03-30", "2023-04-02"} <= partitions, "touched dates are reported as well"


def test_a_failed_check_stops_publishing(defs: tuple[dg.Definitions, Path]) -> None:
    _, home = defs
    before = (home / "kefu.duckdb").resolve()
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:  # what no landing lets in: an account twice
        connection.execute("insert into raw.taobao_accounts from raw.taobao_accounts where account_id = 's0:a0'")
    result = run(defs, "2023-03-22", "2023-03-22", with_touched=False)
    assert not result.success
    assert next(check.check_name for check in result.get_asset_check_evaluations() if not check.passed).startswith(
        "unique_accounts"
    )
    assert (home / "kefu.duckdb").resolve() == before


def test_a_run_beside_a_build_that_does_not_end_fails_and_says_why(
    defs: tuple[dg.Definitions, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, home = defs
    monkeypatch.setattr("orchestration.assets.PATIENCE_SECONDS", 0.5)
    with one_writer(open_home(home)):
        result = run(defs, "2023-03-22", "2023-03-22", with_touched=False)
    assert not result.success
    assert "another build is writing to" in str(result.failure_data_for_node("landing"))


def test_the_nightly_run_takes_yesterday_and_what_was_touched(defs: tuple[dg.Definitions, Path]) -> None:
    definition, _ = defs
    schedule = definition.resolve_schedule_def("nightly")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Asia/Shanghai")
    two_in_beijing = datetime(2025, 11, 1, 18, 0, tzinfo=UTC)
    with dg.build_schedule_context(
        scheduled_execution_time=two_in_beijing, repository_def=definition.get_repository_def()
    ) as context:
        requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert [request.partition_key for request in requests] == ["2025-11-01"]
    assert requests[0].run_config["ops"]["models"]["config"] == {"with_touched": True}


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
            assert data.run_requests[0].partition_key == str(now.astimezone(ZoneInfo("Asia/Shanghai")).date())
            return data.run_requests[0]
        assert data.skip_message
        return data.skip_message

    request = tick()
    assert isinstance(request, dg.RunRequest)
    with one_writer(home):
        assert "another build is writing to" in str(tick())
    with instance_of(home) as instance:
        job = definition.resolve_job_def("realtime")
        assert job.execute_in_process(
            instance=instance, run_config=request.run_config, partition_key=request.partition_key
        ).success
    assert query(home.path, "select user_id from marts.kuaishou_rounds") == [("u",)]
    assert tick() == "nothing new has landed"
    deliver_message(landing, "m2")
    assert isinstance(tick(), dg.RunRequest)


def deliver_message(landing: Path, message: str) -> None:
    folder = landing / "kuaishou" / "messages" / "dt=2025-10-01"
    folder.mkdir(parents=True, exist_ok=True)
    row = {"message_id": message, "session_id": "c", "shop_id": "s", "user_id": "u", "sender_kind": "user"}
    (folder / "part.jsonl").write_text(json.dumps({**row, "sent_at": "2025-10-01 10:00:00"}), encoding="utf-8")


def test_everything_that_writes_is_in_the_pool_of_one_and_backfills_in_one_run(defs: tuple[dg.Definitions, Path]) -> None:
    definition, home = defs
    with instance_of(open_home(home)) as instance:
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    for assets in definition.resolve_asset_graph().assets_defs:
        assert assets.op.pool == POOL
        assert assets.backfill_policy == dg.BackfillPolicy.single_run()


def test_partition_windows_end_where_the_next_day_begins() -> None:
    window = dg.DailyPartitionsDefinition("2023-03-01", timezone="Asia/Shanghai").time_window_for_partition_key("2023-03-22")
    day = datetime(2023, 3, 22).date()
    assert partition_dates(window, with_touched=True) == Dates(day, day, with_touched=True)
