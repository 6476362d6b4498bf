"""The steps of a build. The command line runs them one after the other, Dagster as assets: it is the same code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.build import state
from orchestration.build.checks import forget_last_run, found
from orchestration.build.dbt import build_arguments, run_dbt
from orchestration.build.months import mark_closed, obstacles, to_close
from orchestration.build.publish import drop_other_versions, last_version, publish
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer, open_home
from orchestration.landing.contract import contract
from orchestration.landing.deliveries import Delivery, find_deliveries
from orchestration.landing.load import Landed, create_tables, land, not_landed
from orchestration.privacy.buyers import buyer_key

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
        if not landed and not full_refresh and not dates.is_range and is_up_to_date(home):
            report_held(home, report)
            return None
        return build_landed(home, dates, full_refresh=full_refresh, report=report)


def build_landed(home: Home, dates: state.Dates, *, full_refresh: bool, report: Report) -> Built:
    """Builds, checks and publishes what has landed. The caller holds the home's lock."""
    arguments = request_build(home, dates, full_refresh=full_refresh, skip_unchanged=True)
    try:
        run_dbt(home, arguments, report)
    except KefuError:
        hold_failed(home)
        report_held(home, report)
        raise
    mark_checked(home)
    built = publish_build(home, report)
    report_held(home, report)
    return built


def land_deliveries(home: Home, landing: Path, *, again: bool, report: Report) -> Sequence[Landed]:
    buyer_key()  # one that cannot be used is told of before anything is done
    inventory = find_deliveries(landing, contract())
    with home.connect() as connection:
        create_tables(connection)
        state.create_state(connection)
        record_changes = not again and not state.is_everything(connection)
        if again:
            connection.execute("update build.request set everything = true")
        new = inventory.deliveries if again else not_landed(connection, inventory)
        if new:  # before the first table lands: whatever ends this process, what has landed is built before it is published
            state.mark_checked(connection, False)
        landed = land(connection, new, record_changes=record_changes, report=report)
    for path in inventory.ignored:
        report(f"ignored {path}: not a table or file of the landing contract")
    return landed


def is_up_to_date(home: Home) -> bool:
    with home.connect() as connection:
        return home.published.exists() and state.is_built(connection)


def is_anything_new(home: Home, landing: Path) -> bool:
    """Whether a build would change what is published: something to land, or something landed that is not built."""
    if new_deliveries(home, landing):
        return True
    with one_writer(home), home.connect() as connection:
        return not state.is_built(connection)


def new_deliveries(home: Home, landing: Path) -> Sequence[Delivery]:
    """Those that have not landed, or not as they are now."""
    inventory = find_deliveries(landing, contract())
    with one_writer(home), home.connect() as connection:
        create_tables(connection)
        state.create_state(connection)
        return not_landed(connection, inventory)


def request_build(home: Home, dates: state.Dates, *, full_refresh: bool, skip_unchanged: bool = False) -> list[str]:
    """Writes down the dates to build and returns the arguments for dbt."""
    with home.connect() as connection:
        if not state.is_published(connection):
            state.adopt_revisions(connection, home.published)
        state.request(connection, dates, full_refresh=full_refresh)
        unchanged = state.unchanged_selections(connection) if skip_unchanged else []
        state.mark_building(connection)
        forget_last_run(home)
        return build_arguments(full_refresh=state.is_everything(connection), unchanged=unchanged)


def hold_failed(home: Home) -> None:
    """After dbt failed: dates on which a blocking check found rows are held back; the next build can publish the others."""
    with home.connect() as connection:
        state.hold(connection, found(home))


def report_held(home: Home, report: Report) -> None:
    with home.connect() as connection:
        for held in state.held_dates(connection):
            report(f"held back: {held}; readers keep its last good figures until a delivery corrects it or a build asks for it")


def guard_months(home: Home, months: Sequence[date]) -> None:
    """KefuError that names what keeps these months, each given by its first day, from being closed."""
    with home.connect() as connection:
        found = [obstacle for month in months for obstacle in obstacles(connection, month)]
    if found:
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        raise KefuError(f"not closed: {'; '.join(found[:10])}{more}")


def mark_checked(home: Home) -> None:
    """After dbt built everything that was asked for and every check passed."""
    with home.connect() as connection:
        state.mark_checked(connection, True)


def publish_build(home: Home, report: Report) -> Built:
    """Publishes what dbt built and checked, then marks it as built: a crash in between builds it once more."""
    with home.connect() as connection:
        if not state.is_checked(connection):
            raise KefuError(f"{home.path} has no build that passed its checks and is not published: build first")
        is_key_unchanged = state.is_key_unchanged(connection)
    version = publish(home, with_previous=is_key_unchanged and home.published.exists())
    with home.connect() as connection:
        built: dict[str, list[date]] = {}
        for platform, day in connection.execute("select * from build.build_dates order by all").fetchall():
            built.setdefault(platform, []).append(day)
        connection.execute(f"attach '{version}' as published (read_only)")
        state.mark_built(connection, last_version(home))
        if not is_key_unchanged:  # the version before tells buyers apart in another way, or by their ids
            drop_other_versions(home)
        state.mark_published(connection)
    for platform, days in built.items():
        report(f"rebuilt {platform}: {len(days)} dates, {days[0]} to {days[-1]}")
    report(f"published {home.published} -> {version.name}")
    return Built(built, version)


def months_to_close(home: Home, today: date) -> tuple[dict[date, int], list[str]]:
    """Months that are over and ready to be closed, with the version that holds their newest day; what others wait for."""
    with one_writer(home), home.connect() as connection:
        create_tables(connection)
        state.create_state(connection)
        over = to_close(connection, today)
        waiting = {month: obstacles(connection, month) for month in over}
    ready = {month: version for month, version in over.items() if not waiting[month]}
    return ready, [f"{month:%Y-%m} waits: {'; '.join(found[:3])}" for month, found in waiting.items() if found]


def close_months(home: Home, months: Sequence[date]) -> None:
    """After publishing their final build."""
    with home.connect() as connection:
        mark_closed(connection, months, last_version(home))
