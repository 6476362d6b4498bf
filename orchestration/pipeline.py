"""The steps of a build. The command line runs them one after the other, Dagster as assets: it is the same code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration import state
from orchestration.buyers import buyer_key
from orchestration.contract import contract
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer, open_home
from orchestration.landing.deliveries import find_deliveries
from orchestration.landing.load import LandingReport, create_tables, land, new_deliveries
from orchestration.publish import drop_other_versions, publish
from orchestration.warehouse import build_arguments, run_dbt

Report = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    dates: dict[str, list[date]]  # by platform
    version: Path


def build(landing: Path, home_path: Path, dates: state.Dates, *, full_refresh: bool, report: Report) -> Built | None:
    """Lands, builds, checks, publishes. None where there was nothing to do."""
    home = open_home(home_path)
    with one_writer(home):
        landed = land_deliveries(home, landing, again=full_refresh, report=report)
        if not landed.landed and not full_refresh and not dates.is_range and is_up_to_date(home):
            return None
        return build_landed(home, dates, full_refresh=full_refresh, report=report)


def build_landed(home: Home, dates: state.Dates, *, full_refresh: bool, report: Report) -> Built:
    """Builds, checks and publishes what has landed. The caller holds the home's lock."""
    run_dbt(home, request_build(home, dates, full_refresh=full_refresh, skip_unchanged=True), report)
    mark_checked(home)
    return publish_build(home, report)


def land_deliveries(home: Home, landing: Path, *, again: bool, report: Report) -> LandingReport:
    buyer_key()  # one that cannot be used is told of before anything is done
    with home.connect() as connection:
        create_tables(connection)
        state.create_state(connection)
        record_changes = not again and not state.is_everything(connection)
        if again:
            connection.execute("update build.request set everything = true")
        try:
            landed = land(connection, landing, again=again, record_changes=record_changes, report=report)
        except KefuError:  # some tables may have landed
            state.mark_checked(connection, False)
            raise
        if landed.landed:
            state.mark_checked(connection, False)
    for path in landed.ignored:
        report(f"ignored {path}: not a table or file of the landing contract")
    return landed


def is_up_to_date(home: Home) -> bool:
    with home.connect() as connection:
        return home.published.exists() and state.is_built(connection)


def is_anything_new(home: Home, landing: Path) -> bool:
    """Whether a build would change what is published: something to land, or something landed that is not built."""
    inventory = find_deliveries(landing, contract())
    with one_writer(home), home.connect() as connection:
        create_tables(connection)
        state.create_state(connection)
        return bool(new_deliveries(connection, inventory)) or not state.is_built(connection)


def request_build(home: Home, dates: state.Dates, *, full_refresh: bool, skip_unchanged: bool = False) -> list[str]:
    """Writes down the dates to build and returns the arguments for dbt."""
    with home.connect() as connection:
        state.request(connection, dates, full_refresh=full_refresh)
        unchanged = state.unchanged_selections(connection) if skip_unchanged else []
        state.mark_building(connection)
        return build_arguments(full_refresh=state.is_everything(connection), unchanged=unchanged)


def mark_checked(home: Home) -> None:
    """After dbt built everything that was asked for and every check passed."""
    with home.connect() as connection:
        state.mark_checked(connection, True)


def publish_build(home: Home, report: Report) -> Built:
    """Publishes what dbt built and checked, then marks it as built: a crash in between builds it once more."""
    with home.connect() as connection:
        if not state.is_checked(connection):
            raise KefuError(f"{home.path} has no build that passed its checks and is not published: build first")
    version = publish(home)
    with home.connect() as connection:
        built: dict[str, list[date]] = {}
        for platform, day in connection.execute("select * from build.build_dates order by all").fetchall():
            built.setdefault(platform, []).append(day)
        state.mark_built(connection)
        if not state.is_key_unchanged(connection):  # the version before tells buyers apart in another way, or by their ids
            drop_other_versions(home)
        state.mark_published(connection)
    for platform, days in built.items():
        report(f"rebuilt {platform}: {len(days)} dates, {days[0]} to {days[-1]}")
    report(f"published {home.published} -> {version.name}")
    return Built(built, version)
