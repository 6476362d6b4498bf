"""What Dagster loads: `dagster dev -m orchestration.definitions`, with KEFU_HOME and KEFU_LANDING set."""

import os
import warnings
from datetime import timedelta
from pathlib import Path

import dagster as dg

from orchestration.assets import BuildConfig, build_assets, daily, dbt_resource
from orchestration.home import Home, open_home

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill_policy, which is pinned with everything else


def definitions(home: Home, landing: Path) -> dg.Definitions:
    """Assets, the job of a day and its schedule, for one home."""
    assets = build_assets(home, landing)
    job = dg.define_asset_job("daily_build", dg.AssetSelection.all(), executor_def=dg.in_process_executor)

    @dg.schedule(job=job, cron_schedule="0 2 * * *", execution_timezone="Asia/Shanghai")
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Yesterday, and every date that deliveries have touched since the last build."""
        yesterday = context.scheduled_execution_time - timedelta(days=1)
        return dg.RunRequest(
            partition_key=daily.get_partition_key_for_timestamp(yesterday.timestamp()),
            run_config=dg.RunConfig(ops={"models": BuildConfig(with_touched=True)}),
        )

    return dg.Definitions(assets=assets, jobs=[job], schedules=[nightly], resources={"dbt": dbt_resource(home)})


@dg.definitions
def defs() -> dg.Definitions:
    return definitions(
        open_home(Path(os.environ.get("KEFU_HOME", "demo/home"))), Path(os.environ.get("KEFU_LANDING", "demo/landing"))
    )
