"""What Dagster loads: `dagster dev -m orchestration.runs.definitions`, with KEFU_HOME and KEFU_LANDING set."""

import json
import os
import warnings
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.alerts.sensors import alert_sensors
from orchestration.build.dbt import manifest_path
from orchestration.home import PRIVATE, Home, open_home
from orchestration.runs.assets import build_assets
from orchestration.runs.automation import automation
from orchestration.runs.live import live_check, live_sensor, live_spec
from orchestration.runs.partitions import calendar_of
from orchestration.runs.translator import partitioned
from orchestration.runs.upkeep import compaction, upkeep_sensors

os.umask(PRIVATE)  # of every process that Dagster loads this into
# Of interfaces that are pinned with everything else: backfill_policy, partitions_def of a check.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


def definitions(home: Home, landing: Path) -> dg.Definitions:
    """Assets, jobs, schedules and sensors of one home, from one landing folder."""
    project: dict[str, Any] = json.loads(manifest_path(home).read_text(encoding="utf-8"))
    calendar = calendar_of(home, landing)
    started_by = automation(home, landing, calendar)
    return dg.Definitions(
        assets=[*build_assets(home, landing, calendar, project), live_spec()],
        asset_checks=[live_check(home)],
        jobs=started_by.jobs,
        schedules=[*started_by.schedules, compaction(home)],
        sensors=[*started_by.sensors, *alert_sensors(home), *upkeep_sensors(home, partitioned(project)), live_sensor(home)],
    )


@dg.definitions
def defs() -> dg.Definitions:
    home, landing = (Path(os.environ.get(name, f"demo/{name[5:].lower()}")) for name in ("KEFU_HOME", "KEFU_LANDING"))
    return definitions(open_home(home, apart_from=landing), landing)
