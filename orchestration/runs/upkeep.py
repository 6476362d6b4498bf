"""What keeps Dagster's storage and the home's files true and small. Unlike what starts builds, it is on from the beginning."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.build.publish import last_version
from orchestration.build.state import prepared
from orchestration.compact import compact_grown
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer
from orchestration.language import localized
from orchestration.runs.assets import PATIENCE_SECONDS, POOL
from orchestration.runs.prune import prune
from orchestration.runs.record import record_builds, recorded_version
from orchestration.runs.run_build import cause_first, reporting
from orchestration.runs.translator import Partitioned


def upkeep_sensors(home: Home, told: Partitioned) -> list[dg.SensorDefinition]:
    """The sensors of a home that start nothing."""

    @dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
    def record_command_builds(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Tells Dagster of the dates that `kefu build` has rebuilt, so that their partitions are not missing."""
        if last_version(home) == recorded_version(context.instance):
            return dg.SkipReason(localized("every build is known"))
        try:
            with one_writer(home, wait_seconds=0), prepared(home) as state:
                count = record_builds(context.instance, state, told)
        except KefuError as error:  # such as a build that is running
            return dg.SkipReason(localized(str(error)))
        return dg.SkipReason(localized(f"{count:,} events recorded"))

    @dg.sensor(minimum_interval_seconds=3600, default_status=dg.DefaultSensorStatus.RUNNING)
    def prune_history(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Removes runs that ended more than 30 days ago (realtime: a day), with their logs, and events that others replaced."""
        return dg.SkipReason(localized(f"{prune(context.instance, datetime.now(UTC)):,} runs removed"))

    return [record_command_builds, prune_history]


def compaction(home: Home) -> dg.ScheduleDefinition:
    """The schedule that keeps a home's files small, with its job: between the nightly build and the backup."""

    @dg.op(pool=POOL)
    def compact_files(context: dg.OpExecutionContext) -> None:
        """Removes the versions before the published one, and writes anew the databases that have grown by more than 15 %."""
        with cause_first(context), one_writer(home, wait_seconds=PATIENCE_SECONDS):
            compact_grown(home, reporting(context))

    @dg.job(executor_def=dg.in_process_executor)
    def compact() -> None:
        """Keeps the home's files small (`kefu compact`)."""
        compact_files()

    return dg.ScheduleDefinition(
        name="compact_nightly",
        job=compact,
        cron_schedule="30 4 * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Writes anew what has grown by more than 15 % since it was last written whole, and removes older versions.",
    )
