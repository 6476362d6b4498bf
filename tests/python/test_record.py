"""What was built is known to Dagster, whoever built it, in one transaction; and its storage does not grow for ever."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from harness import FIXTURES, query
from sqlalchemy import Connection, Engine, event

from orchestration.build.state import opened
from orchestration.home import Home, open_home
from orchestration.runs.definitions import definitions
from orchestration.runs.events import EventStorage
from orchestration.runs.instance import OLDER, SETTINGS, instance_of
from orchestration.runs.partitions import COMPLETE, Calendar, calendar_of, range_tags
from orchestration.runs.prune import prune

LANDING = FIXTURES / "case101" / "landing"


@pytest.fixture(scope="module")
def home(built_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that the command line has built, of which Dagster knows nothing."""
    copy = tmp_path_factory.mktemp("record") / "home"
    shutil.copytree(built_homes["case101"], copy, symlinks=True)
    return open_home(copy)


@pytest.fixture(scope="module")
def defs(home: Home) -> dg.Definitions:
    return definitions(home, LANDING)


def tick(defs: dg.Definitions, instance: dg.DagsterInstance, name: str) -> str:
    with dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def()) as context:
        return str(defs.resolve_sensor_def(name).evaluate_tick(context).skip_message)


def test_partitions_are_those_of_the_home(home: Home, defs: dg.Definitions, tmp_path: Path) -> None:
    ((first,),) = query(home.path, "select min(period_end) from marts.service_metrics where period = 'day'")
    assert calendar_of(home, LANDING) == Calendar(min(first, date(2023, 3, 20)))
    landing = tmp_path / "landing"
    for dt in ("2023-02-10", "2024-05-07", "2999-01-01", "1970-01-01", "yesterday"):
        (landing / "kuaishou" / "messages" / f"dt={dt}").mkdir(parents=True)
    assert calendar_of(open_home(tmp_path / "home"), landing).first == date(2023, 2, 10)
    (landing / COMPLETE).touch()
    calendar = calendar_of(open_home(tmp_path / "home"), landing)
    assert (calendar.daily.get_first_partition_key(), calendar.daily.get_last_partition_key()) == ("2023-02-10", "2024-05-07")
    assert (calendar.monthly.get_first_partition_key(), calendar.monthly.get_last_partition_key()) == ("2023-02-01", "2024-04-01")
    today = date.fromisoformat(str(datetime.now(UTC).astimezone().date()))
    assert calendar_of(open_home(tmp_path / "none"), tmp_path / "nothing").first in (today, today + timedelta(days=1))


def test_a_build_by_command_fills_its_partitions_in_one_transaction(home: Home, defs: dg.Definitions) -> None:
    with opened(home) as state:
        days = set(map(str, state.dates_built_after(0)))
    graph = defs.resolve_asset_graph()
    calendar = calendar_of(home, LANDING)
    daily = [key for key in graph.get_all_asset_keys() if graph.get(key).partitions_def == calendar.daily]
    assert (
        len(daily) > 70 and dg.AssetKey(["kuaishou", "messages"]) in daily and dg.AssetKey(["marts", "service_metrics"]) in daily
    )
    with instance_of(home) as instance:
        commits: list[Connection] = []
        note = commits.append
        event.listen(Engine, "commit", note)
        said = tick(defs, instance, "record_command_builds")
        event.remove(Engine, "commit", note)
        assert said == f"{len(daily) * len(days):,} events recorded"
        assert 0 < len(commits) < len(daily), "one for all events, and what Dagster reads and notes beside: none for each asset"
        for key in daily:
            assert instance.get_materialized_partitions(key) == days, key
        status = get_and_update_asset_status_cache_value(instance, dg.AssetKey(["marts", "taobao_rounds"]), calendar.daily)
        assert status and set(status.deserialize_materialized_partition_subsets(calendar.daily).get_partition_keys()) == days
        assert tick(defs, instance, "record_command_builds") == "every build is known"
        record = instance.get_latest_materialization_event(dg.AssetKey(["marts", "kuaishou_rounds"]))
        assert record and record.asset_materialization
        day = record.asset_materialization.partition
        assert (
            record.asset_materialization.metadata["rows_of_dates_built"].value
            == query(home.path, f"select count(*) from marts.kuaishou_rounds where business_date = '{day}'")[0][0]
        )


OCTOBER = dg.DailyPartitionsDefinition("2025-10-01", end_date="2025-10-05")


@dg.asset(partitions_def=OCTOBER, check_specs=[dg.AssetCheckSpec("fine", asset="days", partitions_def=OCTOBER)])
def days(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """An asset with a check, of which the runs are pruned."""
    print("seen")
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(passed=True, check_name="fine")


def test_old_runs_go_with_their_logs_and_what_is_built_stays_known(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    with instance_of(home) as instance:
        runs = [dg.materialize([days], instance=instance, partition_key=f"2025-10-0{day}").run_id for day in (1, 1, 2)]
        files = {path for run in runs for path in home.dagster.rglob(f"*{run}*")}
        assert len(files) >= 2 * len(runs), "a database and a folder of each run"
        now = datetime.now(UTC)
        assert prune(instance, now + timedelta(days=29)) == 0
        assert instance.get_runs_count() == 3
        assert prune(instance, now + timedelta(days=31)) == 3
        assert instance.get_runs_count() == 0
        assert not [path for run in runs for path in home.dagster.rglob(f"*{run}*")]
        assert instance.get_materialized_partitions(days.key) == {"2025-10-01", "2025-10-02"}
        with instance.event_log_storage.index_transaction() as connection:  # type: ignore[attr-defined]
            counts = {
                table: connection.exec_driver_sql(f"select count(*) from {table}").scalar()
                for table in ("event_logs", "asset_check_executions")
            }
        assert counts == {"event_logs": 2, "asset_check_executions": 2}, "the newest of each partition"
        checks = instance.event_log_storage.get_asset_check_execution_history(next(iter(days.check_keys)), limit=9)
        assert {check.partition for check in checks} == {"2025-10-01", "2025-10-02"}


@dg.asset(partitions_def=OCTOBER, backfill_policy=dg.BackfillPolicy.single_run(), code_version="1")
def whole() -> None:
    """An asset of which one run takes all partitions."""


def stored(home: Home) -> dict[str, list[Any]]:
    """What Dagster's databases hold of the only run there, but for its id and times."""
    (run,) = [path for path in (home.dagster / "history" / "runs").glob("*.db") if path.stem != "index"]
    found = {}
    for file in (run, run.with_name("index.db")):
        with closing(sqlite3.connect(file)) as connection:
            for query in (
                "select dagster_event_type, step_key, asset_key, partition from event_logs where asset_key <> '' order by id",
                f"select asset_key, last_run_id = '{run.stem}', last_materialization is null from asset_keys",
                "select e.partition, t.asset_key, t.key, t.value from asset_event_tags t join event_logs e on t.event_id = e.id"
                " order by 1, 3",
            ):
                found[f"{file.stem == 'index'} {query[:30]}"] = connection.execute(query).fetchall()
    return found


def test_events_of_many_partitions_are_those_of_dagster_in_few_transactions(tmp_path: Path) -> None:
    counts, found = {}, {}
    for name, settings in (("ours", SETTINGS), ("of_dagster", f"{OLDER[1]}# mine\n")):
        home = open_home(tmp_path / name)
        (home.dagster / "dagster.yaml").write_text(settings, encoding="utf-8")
        commits: list[Connection] = []
        note = commits.append
        with instance_of(home) as instance:
            assert isinstance(instance.event_log_storage, EventStorage) == (name == "ours")
            event.listen(Engine, "commit", note)
            assert dg.materialize([whole], instance=instance, tags=range_tags("2025-10-01", "2025-10-04")).success
            event.remove(Engine, "commit", note)
            assert instance.get_materialized_partitions(whole.key) == {f"2025-10-0{day}" for day in range(1, 5)}
            newest = instance.get_latest_materialization_event(whole.key)
            assert newest and newest.asset_materialization and newest.asset_materialization.partition == "2025-10-04"
        counts[name], found[name] = len(commits), stored(home)
    assert found["ours"] == found["of_dagster"]
    assert len(found["ours"]["True select dagster_event_type, ste"]) == 8, "planned and done"
    assert counts["ours"] < counts["of_dagster"] - 8


def test_ticks_are_kept_for_a_time(tmp_path: Path) -> None:
    with instance_of(open_home(tmp_path)) as instance:
        for kind in (
            dg._core.scheduler.instigation.InstigatorType.SCHEDULE,
            dg._core.scheduler.instigation.InstigatorType.SENSOR,
        ):  # type: ignore[attr-defined]
            assert set(instance.get_tick_retention_settings(kind).values()) <= {1, 7, 30}


def test_settings_of_an_older_kefu_are_renewed_and_ones_own_are_kept(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    settings = home.dagster / "dagster.yaml"
    with instance_of(home):
        current = settings.read_text(encoding="utf-8")
    for line in ("# Ticks", "# Events"):
        older = current[: current.index(line)]
        settings.write_text(older, encoding="utf-8")
        with instance_of(home):
            assert settings.read_text(encoding="utf-8") == current
    settings.write_text(older + "# mine\n", encoding="utf-8")
    with instance_of(home):
        assert settings.read_text(encoding="utf-8") == older + "# mine\n"
