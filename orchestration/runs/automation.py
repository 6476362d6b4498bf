"""What starts runs: every night, every minute, a delivery, a month that is over."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.build import steps
from orchestration.build.lateness import rolling_days
from orchestration.build.months import months_to_close
from orchestration.build.ranges import day_ranges, month_ranges
from orchestration.clock import BEIJING, beijing_now
from orchestration.errors import KefuError
from orchestration.home import Home
from orchestration.language import localized
from orchestration.runs.assets import BuildConfig
from orchestration.runs.partitions import Calendar, range_tags
from orchestration.runs.translator import MONTHLY

CAUSE_OF = "kefu/run_of"  # the tag that names what a run was started for, however often
RETRY_AFTER = timedelta(minutes=10)  # a run that failed; twice that where two failed, and so on


@dataclass(frozen=True)
class Automation:
    jobs: list[UnresolvedAssetJobDefinition]
    schedules: list[dg.ScheduleDefinition]
    sensors: list[dg.SensorDefinition]


def automation(home: Home, landing: Path, calendar: Calendar) -> Automation:
    """Jobs, and what starts them, for one home. Everything is off until it is switched on."""
    of_months = dg.AssetSelection.tag(MONTHLY, "")
    of_days = dg.AssetSelection.all() - of_months
    executor = dg.in_process_executor
    daily_build = dg.define_asset_job("daily_build", of_days, partitions_def=calendar.daily, executor_def=executor)
    realtime = dg.define_asset_job("realtime", of_days, partitions_def=calendar.daily, executor_def=executor)
    monthly_build = dg.define_asset_job("monthly_build", of_months, partitions_def=calendar.monthly, executor_def=executor)

    @dg.schedule(job=daily_build, cron_schedule="0 2 * * *", execution_timezone="Asia/Shanghai")
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Rebuilds the last days, as many as late rows take to arrive, and every date that deliveries have touched since."""
        yesterday = context.scheduled_execution_time.astimezone(BEIJING).date() - timedelta(days=1)
        return _days(*calendar.within(yesterday - timedelta(days=rolling_days(home) - 1), yesterday))

    @dg.schedule(
        job=realtime,
        cron_schedule="* * * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    def every_minute(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Rebuilds today, and every date that deliveries have touched, once something new has landed (K-04)."""
        try:
            is_new = steps.is_anything_new(home, landing)
        except KefuError as error:  # such as a build that is running
            return dg.SkipReason(localized(str(error)))
        today = context.scheduled_execution_time.astimezone(BEIJING).date()
        return _days(*calendar.within(today, today)) if is_new else dg.SkipReason(localized("nothing new has landed"))

    @dg.sensor(job=daily_build, minimum_interval_seconds=60)
    def new_deliveries(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        """Rebuilds the days of new and changed dt folders, once: when nothing has been written to them since the last look."""
        try:
            new = steps.new_deliveries(home, landing)
        except KefuError as error:
            return dg.SkipReason(localized(str(error)))
        if not new:
            return dg.SkipReason(localized("nothing new has landed"))
        seen = hashlib.sha256("|".join(f"{d.table.label} {d.dt} {d.signature}" for d in new).encode()).hexdigest()
        if seen != context.cursor:
            context.update_cursor(seen)
            return dg.SkipReason(localized(f"{len(new)} new deliveries; waiting until they are written whole"))
        today = beijing_now().date()
        days = {min(delivery.dt, today) for delivery in new}
        return [_days(first, last, _once(context.instance, f"{seen} {first}")) for first, last in day_ranges(days)]

    @dg.sensor(job=monthly_build, minimum_interval_seconds=300)
    def months_over(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        """Closes months that are over and whole, again where a day was rebuilt since. Says what a month waits for."""
        try:
            ready, waiting = months_to_close(home, beijing_now().date())
        except KefuError as error:
            return dg.SkipReason(localized(str(error)))
        if not ready:
            return dg.SkipReason(localized("; ".join(waiting) or "every month that is over is closed"))
        requests = []
        for first, last in month_ranges(ready):
            closed = " ".join(f"{month:%Y-%m}@{ready[month]}" for month in ready if first <= month <= last)
            run_key, tags = _once(context.instance, closed)
            requests.append(dg.RunRequest(run_key=run_key, tags={**range_tags(str(first), str(last)), **tags}))
        return requests

    return Automation([daily_build, realtime, monthly_build], [nightly, every_minute], [new_deliveries, months_over])


def _days(first: date, last: date, once: tuple[str | None, dict[str, str]] = (None, {})) -> dg.RunRequest:
    """One run for the days from the first to the last, and for every date that deliveries have touched."""
    run_key, tags = once
    return dg.RunRequest(
        run_key=run_key,
        run_config=dg.RunConfig(ops={"models": BuildConfig(with_touched=True)}),
        tags={**range_tags(str(first), str(last)), **tags},
    )


def _once(instance: dg.DagsterInstance, cause: str) -> tuple[str, dict[str, str]]:
    """Key and tags of a run that is started once for its cause, and again some time after it has failed.

    Dagster starts no second run of a key, whatever became of the first.
    """
    failed = instance.get_run_records(dg.RunsFilter(tags={CAUSE_OF: cause}, statuses=[dg.DagsterRunStatus.FAILURE]))
    attempts = len(failed)
    if (
        failed
        and datetime.now(UTC) - max(record.update_timestamp for record in failed).replace(tzinfo=UTC) < RETRY_AFTER * attempts
    ):
        attempts -= 1  # the key of the last run
    return f"{cause} again {attempts}" if attempts else cause, {CAUSE_OF: cause}
