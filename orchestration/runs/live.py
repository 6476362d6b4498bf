"""What Dagster shows of `kefu live`: HOME/live.duckdb as an asset that is observed, and whether it stands still."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import duckdb

from orchestration.home import Home
from orchestration.language import localized
from orchestration.runs.translator import KEFU

LIVE = dg.AssetKey("live")
MOST_SECONDS = 300  # between two versions of the file
DESCRIPTION = (
    f"Whether `kefu live` renewed it within {MOST_SECONDS} s, where it ran. A finding is a warning and stops nothing. To do: "
    "see in its log why the process stands still (`journalctl -u kefu-live`), and start it again: it goes on where it was."
)


def live_spec() -> dg.AssetSpec:
    return dg.AssetSpec(
        LIVE,
        group_name="live",
        owners=[KEFU],
        kinds={"duckdb"},
        description="HOME/live.duckdb (实时数据), which `kefu live` renews every few seconds; Dagster starts no run of it.",
    )


def live_check(home: Home) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=LIVE, name="is_renewed", description=DESCRIPTION)
    def is_renewed() -> dg.AssetCheckResult:
        return live_result(home)

    return is_renewed


def live_result(home: Home) -> dg.AssetCheckResult:
    """Passes where the file was renewed of late, or never was."""
    seen = _seen(home)
    return _result(seen) if seen else dg.AssetCheckResult(passed=True, description="kefu live has not run on this home")


def live_sensor(home: Home) -> dg.SensorDefinition:
    @dg.sensor(minimum_interval_seconds=MOST_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING)
    def observe_live(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Tells Dagster how old HOME/live.duckdb is and what it says. Cursor: what was told last of one that stands still."""
        seen = _seen(home)
        if seen is None:
            return dg.SkipReason(localized("kefu live has not run on this home"))
        result = _result(seen)
        if not result.passed and context.cursor == seen["as_of"]:
            return dg.SkipReason(localized(f"it stands still at {seen['as_of']}, as told"))
        context.instance.report_runless_asset_event(dg.AssetObservation(LIVE, metadata=seen))
        context.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=LIVE, check_name="is_renewed", passed=result.passed, severity=result.severity, metadata=result.metadata
            )
        )
        context.update_cursor(seen["as_of"])
        return dg.SkipReason(localized(f"it is of {seen['as_of']}"))

    return observe_live


def _seen(home: Home) -> dict[str, Any] | None:
    """What the file says and how old it is; None where there is none."""
    if not home.live.exists():
        return None
    age = datetime.now(UTC).timestamp() - home.live.stat().st_mtime
    with duckdb.connect(str(home.live.resolve()), read_only=True) as connection:
        states = dict(connection.execute("select state, count(*) from live.open_rounds group by all order by all").fetchall())
        ((as_of, ratings),) = connection.execute(
            """
            select
                (select max(as_of) from (select as_of from live.open_rounds union all select as_of from live.today)),
                (select count(*) from live.bad_ratings)
            """
        ).fetchall()
    return {"as_of": str(as_of), "age_seconds": round(age, 1), "bad_ratings": ratings, **states}


def _result(seen: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=seen["age_seconds"] <= MOST_SECONDS,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=seen,
        description=f"renewed {seen['age_seconds']:.0f} s ago, for {seen['as_of']}",
    )
