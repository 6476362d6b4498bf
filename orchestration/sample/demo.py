"""`make demo`: two months of sample files for every platform, through Dagster, and what came of them."""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import date, timedelta
from io import TextIOBase
from pathlib import Path
from typing import Any, TextIO

import dagster as dg
import duckdb
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._core.workspace.load import location_origin_from_module_name

from orchestration.build.dbt import manifest_path
from orchestration.build.months import close_months, months_to_close
from orchestration.build.state import opened
from orchestration.build.steps import is_anything_new
from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import PRIVATE, Home, one_writer, open_home
from orchestration.language import localized
from orchestration.runs.assets import BuildConfig
from orchestration.runs.definitions import definitions
from orchestration.runs.instance import DEFINITIONS, instance_of
from orchestration.runs.partitions import COMPLETE
from orchestration.runs.record import record_builds
from orchestration.runs.translator import partitioned
from orchestration.sample.generate import Batch, Request, deliver, generate
from orchestration.sample.official import publish_official_figures
from orchestration.sample.profiles import profiles

START, DAYS = date(2025, 9, 1), 61  # September and October: the rules of 淘宝 changed on 1 October
SAMPLE: dict[str, Any] = {
    "days": DAYS, "shops": 4, "agents": 5, "messages_per_day": 3000, "start": START, "seed": 1, "file_format": "csv"
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args(arguments)
    os.umask(PRIVATE)
    try:
        demo(options.landing, options.home)
    except KefuError as error:
        print(f"kefu: {localized(str(error))}", file=sys.stderr)
        return 1
    return 0


def demo(landing: Path, home_path: Path) -> None:
    home = open_home(home_path, apart_from=landing)
    if not (landing / COMPLETE).exists():
        _report(f"1/3 generating {DAYS} days of sample files in {landing}", indent="")
        generate(landing, **SAMPLE | {"days": DAYS - 1}, report=_report)
        (landing / COMPLETE).touch()
    if not is_anything_new(home, landing):
        _report(f"2/3 nothing to do: everything in {landing} is built and published", indent="")
    else:
        _report("2/3 landing, building, checking and publishing, as a Dagster run (about a minute)", indent="")
        run(home, landing, START + timedelta(days=DAYS - 2))
    if deliver_last_day(landing):
        _report("the last day arrives, with what was late of the days before")
        run(home, landing, START + timedelta(days=DAYS - 1))
    if publish_official_figures(landing, home):
        _report("the platforms' own figures arrive")
        run(home, landing, START + timedelta(days=DAYS - 1))
    _report("3/3 what the marts say\n", indent="")
    for line in summary(home, landing).splitlines():
        _report(line, indent="")


def deliver_last_day(landing: Path) -> bool:
    """Writes the last of the sample's deliveries. Returns whether it did: once there, they stay."""
    batches = [Batch(profile, (START + timedelta(days=DAYS),)) for profile in profiles()]
    if all((landing / batch.profile.platform / "messages" / f"dt={batch.dts[0]}").exists() for batch in batches):
        return False
    for batch in batches:
        deliver(Request(landing, **SAMPLE), batch)
    return True


def _report(line: str, indent: str = "    ") -> None:
    print(f"{indent}{localized(line)}", flush=True)


def run(home: Home, landing: Path, day: date) -> None:
    """Runs the daily job once for a day and every date that the deliveries touch, recorded in the home's Dagster storage."""
    job = definitions(home, landing).resolve_job_def("daily_build")
    with instance_of(home) as instance, redirect_stdout(_Progress(sys.stdout)):
        result = job.execute_in_process(
            instance=instance,
            run_config=dg.RunConfig(
                ops={"models": BuildConfig(with_touched=True)},
                loggers={"console": {"config": {"log_level": "ERROR"}}},
            ),
            partition_key=str(day),
            raise_on_error=False,
        )
        if not result.success:
            raise KefuError(f"the Dagster run {result.run_id} failed; `make ui` shows why")
        _show_on_timeline(instance, result.run_id)
        _close(home, instance)


def _show_on_timeline(instance: dg.DagsterInstance, run_id: str) -> None:
    """Tells Dagster which job the run was of: it knows that of runs that it has started itself."""
    repository = RemoteRepositoryOrigin(location_origin_from_module_name(DEFINITIONS, None, None), "__repository__")
    instance.add_run_tags(run_id, {REPOSITORY_LABEL_TAG: repository.get_label()})
    run = instance.get_run_by_id(run_id)
    assert run
    instance.run_storage.replace_job_origin(run, RemoteJobOrigin(repository, run.job_name))


def _close(home: Home, instance: dg.DagsterInstance) -> None:
    """Closes the months of the sample, of which the run has just built every day."""
    ready, _ = months_to_close(home, beijing_now().date())
    close_months(home, list(ready))
    project = json.loads(manifest_path(home).read_text(encoding="utf-8"))
    with one_writer(home), opened(home) as state:
        record_builds(instance, state, partitioned(project))


class _Progress(TextIOBase):
    """Shows how far the run is, of all that it prints."""

    def __init__(self, shown: TextIO) -> None:
        self.shown = shown

    def write(self, text: str) -> int:
        for done, total in re.findall(r"(\d+) of (\d+) (?:OK|PASS) ", text):
            if int(done) % 10 == 0 or done == total:
                print("    " + localized(f"{done} of {total} models, seeds and checks done"), file=self.shown, flush=True)
        for line in re.findall(r"^(?:landed|rebuilt|published|已落地|已重算|已发布) .*", text):
            print(f"    {line}", file=self.shown, flush=True)
        return len(text)


def summary(home: Home, landing: Path) -> str:
    """What was computed, the assessed periods against their targets, what to do next, and the reconciliation."""
    with duckdb.connect(str(home.published), read_only=True) as marts:
        rows = marts.execute(
            """
            select platform, sum(row_count), sum(rejected_row_count), max(last_dt)
            from marts.data_freshness group by all order by all
            """
        ).fetchall()
        rounds = marts.execute(
            """
            select platform, sum(rounds), sum(rounds) filter (where reason = 'counted'),
                arg_max(reason, rounds) filter (where reason <> 'counted')
            from (select platform, reason, sum(rounds) as rounds from marts.exclusion_summary group by all)
            group by platform order by platform
            """
        ).fetchall()
        metrics = marts.execute(
            """
            with latest as ( -- the last assessed period that is over, of what nobody assesses the last month
                select *
                from marts.service_metrics
                where subject = 'shop' and is_complete and coalesce(is_assessment_period, period = 'month')
                qualify period_end = max(period_end) over (partition by platform, metric, shop_id)
            )
            select platform, metric, period, max(period_end), min(target), max(target), min(value), max(value),
                count(*) filter (where is_met is not null), count(*) filter (where is_met)
            from latest
            group by platform, metric, period order by platform, metric, period
            """
        ).fetchall()
        reconciliation = _reconciliation(marts)
    lines = ["landed"]
    lines += [
        f"    {platform:<12} {count:>9,} rows up to {last}, {rejected:,} rejected" for platform, count, rejected, last in rows
    ]
    lines += ["rounds (轮次)"]
    lines += [
        f"    {platform:<12} {total:>9,} of which {counted:,} count; most others: {most}"
        for platform, total, counted, most in rounds
    ]
    lines += [
        "the last period that is assessed, over the shops; of what is not assessed the last month",
        f"    {'platform':<12} {'metric':<34} {'period':<28} {'target':>13} {'lowest':>9} {'highest':>9}  shops that meet it",
    ]
    for platform, metric, period, end, low, high, lowest, highest, shops, met in metrics:
        figures = f"{_targets(metric, low, high):>13} {_figure(metric, lowest):>9} {_figure(metric, highest):>9}"
        assessed = f"  {met}/{shops}" if high is not None else ""
        lines.append(f"    {platform:<12} {metric:<34} {f'{period} to {end}':<28} {figures}{assessed}")
    lines += [
        "",
        f"marts     {home.published}, schema marts: any DuckDB client opens it read-only",
        "look      make ui",
        f"explain   .venv/bin/kefu explain ROUND_ID --home {home.path}",
        f"add data  .venv/bin/kefu build --landing {landing} --home {home.path}",
        "",
        *reconciliation,
    ]
    return "\n".join(lines)


def _reconciliation(marts: duckdb.DuckDBPyConnection) -> list[str]:
    """How the platforms' own figures compare, in three lines; none where none has landed."""
    counts = dict(marts.execute("select status, count(*) from marts.reconciliation group by status").fetchall())
    if not counts:
        return []
    nearest = marts.execute(
        """
        select r.platform, r.shop_id, r.metric, r.period_end, r.official_value, r.computed_value, x.reason, x.value_if
        from marts.reconciliation r
        join marts.reconciliation_reasons x using (platform, metric, subject, shop_id, period, period_end)
        where r.status = 'differs' and r.account_id is null and x.account_id is null
        order by abs(x.value_if - r.official_value) nulls last, r.platform, r.shop_id limit 1
        """
    ).fetchall()
    lines = [f"reconciliation (对账) with the platforms' own figures: {counts.get('match', 0):,} agree"]
    for platform, shop, metric, end, official, computed, reason, value_if in nearest:
        lines.append(
            f"    {counts['differs']:,} differ, as {platform}/{shop}/{end}/{metric}: official {_figure(metric, official)}, "
            f"computed {_figure(metric, computed)}, {_figure(metric, value_if)} with {reason} seen otherwise"
        )
    return [*lines, f"    {counts.get('missing_computed', 0):,} have nothing computed to compare them with"]


def _figure(metric: str, value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s" if metric.endswith("_seconds") else f"{value:.2%}"


def _targets(metric: str, low: float | None, high: float | None) -> str:
    """The targets of the shops: those of two marketplaces may have two."""
    return _figure(metric, low) if low == high else f"{_figure(metric, low)}, {_figure(metric, high)}"


if __name__ == "__main__":
    sys.exit(main())
