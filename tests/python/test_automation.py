"""What starts runs by itself: the night, a delivery, a month that is over."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from harness import build

from orchestration.clock import beijing_now
from orchestration.home import one_writer, open_home
from orchestration.runs.definitions import definitions
from orchestration.runs.instance import instance_of
from orchestration.runs.partitions import range_tags


class Ticks:
    """A sensor of a home, as its daemon ticks: with the cursor of the tick before."""

    def __init__(self, landing: Path, home: Path, name: str) -> None:
        self.home = open_home(home)
        self.definition = definitions(self.home, landing)
        self.sensor = self.definition.resolve_sensor_def(name)
        self.cursor: str | None = None

    def __call__(self) -> list[dg.RunRequest] | str:
        with instance_of(self.home) as instance:
            context = dg.build_sensor_context(
                instance=instance, cursor=self.cursor, repository_def=self.definition.get_repository_def()
            )
            ticked = self.sensor.evaluate_tick(context)
        self.cursor = ticked.cursor
        return list(ticked.run_requests) if ticked.run_requests else str(ticked.skip_message)


def deliver(landing: Path, dt: date, messages: int = 1) -> None:
    """A day's messages of Kuaishou, all of one user."""
    folder = landing / "kuaishou" / "messages" / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"message_id": f"{dt} {number}", "session_id": "c", "shop_id": "s", "user_id": "u", "sender_kind": "user",
         "sent_at": f"{dt} 10:00:{number:02}"}
        for number in range(messages)
    ]  # fmt: skip
    (folder / "part.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def ranges(requests: list[dg.RunRequest] | str) -> list[tuple[str, str]]:
    assert isinstance(requests, list), requests
    return [
        (request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"])
        for request in requests
    ]


def test_a_delivery_starts_its_runs_once(tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", tmp_path / "home"
    landing.mkdir()
    tick = Ticks(landing, home, "new_deliveries")
    assert tick() == "nothing new has landed"
    for day in (1, 2, 5):
        deliver(landing, date(2025, 10, day))
    assert "3 new deliveries; waiting until they are written whole" in tick()
    deliver(landing, date(2025, 10, 5), messages=2)
    assert "waiting" in tick(), "a file is still being written"
    requests = tick()
    assert ranges(requests) == [("2025-10-01", "2025-10-02"), ("2025-10-05", "2025-10-05")]
    again = tick()
    assert isinstance(requests, list)
    assert isinstance(again, list)
    assert [r.run_key for r in again] == [r.run_key for r in requests], "the same keys: Dagster starts no second run for them"
    assert all(request.run_config["ops"]["models"]["config"] == {"with_touched": True} for request in requests)
    with one_writer(tick.home):
        assert "another build is writing to" in tick()
    build(landing, home)
    assert tick() == "nothing new has landed"
    deliver(landing, date(2025, 10, 1), messages=3)
    assert "1 new deliveries" in tick()
    changed = tick()
    assert ranges(changed) == [("2025-10-01", "2025-10-01")]
    assert isinstance(changed, list)
    assert changed[0].run_key not in {request.run_key for request in requests}


def test_a_run_that_failed_is_started_again_after_a_while(
    begun_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster itself starts no second run of a key, whatever became of the first."""
    landing, home = tmp_path / "landing", begun_home
    for day in range(1, 32):
        deliver(landing, date(2025, 10, day))
    build(landing, home)
    for day in (date(2025, 11, 1), date(2025, 11, 2)):
        deliver(landing, day)
    tick, close = Ticks(landing, home, "new_deliveries"), Ticks(landing, home, "months_over")
    tick()
    for sensor in (tick, close):

        def keys(sensor: Ticks = sensor) -> list[str | None]:
            requests = sensor()
            assert isinstance(requests, list), requests
            return [request.run_key for request in requests]

        first = sensor()
        assert isinstance(first, list)
        with instance_of(sensor.home) as instance:
            for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
                instance.run_storage.add_run(dg.DagsterRun(job_name="a_job", tags=first[0].tags, status=status))
        assert keys() == [request.run_key for request in first], "not at once"
        monkeypatch.setattr("orchestration.runs.automation.RETRY_AFTER", timedelta(0))
        assert keys() == [f"{first[0].run_key} again 1", *(request.run_key for request in first[1:])]
        monkeypatch.undo()


def test_a_delivery_dated_tomorrow_is_of_today_and_a_later_one_starts_nothing(tmp_path: Path) -> None:
    deliver(tmp_path / "landing", date(2099, 1, 1))
    tick = Ticks(tmp_path / "landing", tmp_path / "home", "new_deliveries")
    assert tick() == "nothing new has landed"
    tomorrow = beijing_now().date() + timedelta(days=1)
    deliver(tmp_path / "landing", tomorrow)
    tick()
    ((first, last),) = ranges(tick())
    assert first == last < str(tomorrow)


def test_a_month_that_is_over_is_closed_once_its_last_day_has_landed(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    days = [date(2025, 9, 28) + timedelta(days=number) for number in range(5)]
    for day in days:
        if day != date(2025, 9, 30):
            deliver(landing, day)
    build(landing, home)
    tick = Ticks(landing, home, "months_over")
    assert str(tick()) == (
        "2025-09 waits: kuaishou messages of 2025-09-30 (dt=2025-09-30) has not arrived; 2025-10 waits: "
        "kuaishou messages of 2025-10-03 to 2025-10-31 (dt=2025-10-03 to 2025-10-31) has not arrived"
    )
    deliver(landing, date(2025, 9, 30))
    build(landing, home)
    requests = tick()
    assert ranges(requests)[0] == ("2025-09-01", "2025-09-01")
    again = tick()
    assert isinstance(requests, list)
    assert isinstance(again, list)
    assert again[0].run_key == requests[0].run_key
    deliver(landing, date(2025, 9, 29), messages=2)
    build(landing, home)
    late = tick()
    assert isinstance(late, list)
    assert late[0].run_key != requests[0].run_key, "a day of it was rebuilt: it is closed anew"


@pytest.mark.parametrize("late_days", [0, 4])
def test_the_nightly_run_goes_back_as_far_as_rows_come_late(begun_home: Path, tmp_path: Path, late_days: int) -> None:
    landing, home = tmp_path / "landing", begun_home
    deliver(landing, date(2025, 10, 1), messages=9)
    (landing / "kuaishou/messages/dt=2025-10-01").rename(landing / f"kuaishou/messages/dt=2025-10-{1 + late_days:02}")
    build(landing, home)
    definition = definitions(open_home(home), landing)
    schedule = definition.resolve_schedule_def("nightly")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Asia/Shanghai")
    two_in_beijing = datetime(2025, 11, 1, 18, 0, tzinfo=UTC)
    with dg.build_schedule_context(
        scheduled_execution_time=two_in_beijing, repository_def=definition.get_repository_def()
    ) as context:
        requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert range_tags("2025-10-28" if late_days else "2025-10-31", "2025-11-01").items() <= requests[0].tags.items()
    assert requests[0].run_config["ops"]["models"]["config"] == {"with_touched": True}
