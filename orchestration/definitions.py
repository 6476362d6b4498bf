"""What Dagster loads: `dagster dev -m orchestration.definitions`, with KEFU_HOME and KEFU_LANDING set."""

import os
import warnings
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from orchestration.assets import BuildConfig, build_assets, daily, dbt_resource
from orchestration.errors import KefuError
from orchestration.home import PRIVATE, Home, open_home
from orchestration.pipeline import is_anything_new

os.umask(PRIVATE)  # of every process that Dagster loads this into
warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill_policy, which is pinned with everything else


def definitions(home: Home, landing: Path) -> dg.Definitions:
    """Assets, the jobs of a day and of a minute with their schedules, for one home."""
    assets = build_assets(home, landing)
    job = dg.define_asset_job("daily_build", dg.AssetSelection.all(), executor_def=dg.in_process_executor)
    realtime = dg.define_asset_job("realtime", dg.AssetSelection.all(), executor_def=dg.in_process_executor)

    @dg.schedule(job=job, cron_schedule="0 2 * * *", execution_timezone="Asia/Shanghai")
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Yesterday, and every date that deliveries have touched since the last build."""
        return request_of(context.scheduled_execution_time - timedelta(days=1))

    @dg.schedule(
        job=realtime,
        cron_schedule="* * * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    def every_minute(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Today, and every date that deliveries have touched, once something new has landed (K-04)."""
        try:
            is_new = is_anything_new(home, landing)
        except KefuError as error:  # such as a build that is running
            return dg.SkipReason(str(error))
        return request_of(context.scheduled_execution_time) if is_new else dg.SkipReason("nothing new has landed")

    return dg.Definitions(
        assets=assets, jobs=[job, realtime], schedules=[nightly, every_minute], resources={"dbt": dbt_resource(home)}
    )


def request_of(moment: datetime) -> dg.RunRequest:
    """A run for the day of a moment, and for every date that deliveries have touched."""
    return dg.RunRequest(
        partition_key=daily.get_partition_key_for_timestamp(moment.timestamp()),
        run_config=dg.RunConfig(ops={"models": BuildConfig(with_touched=True)}),
    )


@dg.definitions
def defs() -> dg.Definitions:
    return definitions(
        open_home(Path(os.environ.get("KEFU_HOME", "demo/home"))), Path(os.environ.get("KEFU_LANDING", "demo/landing"))
    )
