"""The steps of a build. The command line and Dagster walk the same ones; only how dbt is run is theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestration.build.checks import LastRun, forget_last_run
from orchestration.build.dbt import build_arguments, run_dbt
from orchestration.build.publish import drop_other_versions, last_version, publish
from orchestration.build.state import BuildState, Dates, opened
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer, open_home
from orchestration.landing.contract import contract
from orchestration.landing.deliveries import Delivery, find_deliveries
from orchestration.landing.load import Landed, land, not_landed
from orchestration.privacy.buyers import buyer_key

Report = Callable[[str], None]


def build(landing: Path, home_path: Path, dates: Dates, *, full_refresh: bool, report: Report) -> bool:
    """Lands, builds, checks, publishes. False where there was nothing to do."""
    home = open_home(home_path)
    with one_writer(home):
        landed = land_deliveries(home, landing, again=full_refresh, report=report)
        if not landed and not full_refresh and not dates.is_range and not is_anything_pending(home):
            report_held(home, report)
            return False
        with building(home, dates, report, full_refresh=full_refresh) as arguments:
            run_dbt(home, arguments, report)
        return True


def land_deliveries(home: Home, landing: Path, *, again: bool, report: Report) -> Sequence[Landed]:
    """Lands what is new, or everything again. The caller holds the home's lock."""
    buyer_key()  # one that cannot be used is told of before anything is done
    inventory = find_deliveries(landing, contract())
    with opened(home) as state:
        record_changes = not again and not state.is_everything()
        if again:
            state.ask_for_everything()
        new = inventory.deliveries if again else not_landed(state.connection, inventory)
        if new:  # before the first table lands: whatever ends this process, what has landed is built before it is published
            state.mark_changed()
        state.note_ignored(inventory.ignored)
        landed = land(state.connection, new, record_changes=record_changes, report=report)
    for path in inventory.ignored:
        report(f"ignored {path}: not a table or file of the landing contract")
    return landed


@contextmanager
def building(home: Home, dates: Dates, report: Report, *, full_refresh: bool = False) -> Iterator[list[str]]:
    """Builds, checks and publishes what has landed, around a run of dbt that is the caller's: it gets the arguments for dbt.

    With a KefuError the caller says that dbt failed. Dates on which a blocking check found rows are held back then, and the next
    build can publish the others. The caller holds the home's lock.
    """
    forget_last_run(home)
    with opened(home) as state:
        unchanged = state.begin(dates, full_refresh=full_refresh)
        arguments = build_arguments(full_refresh=state.is_everything(), unchanged=unchanged)
    try:
        yield arguments
    except KefuError:
        with home.connect() as connection:
            BuildState(home, connection).hold_back(LastRun(home).findings())
        report_held(home, report)
        raise
    with home.connect() as connection:
        state = BuildState(home, connection)
        if state.is_everything():
            state.drop_unknown(LastRun(home).relations())
        state.mark_checked()
    publish_build(home, report)
    report_held(home, report)


def publish_build(home: Home, report: Report) -> None:
    """Publishes what dbt built and checked, then marks it as built: a crash in between builds it once more."""
    with home.connect() as connection:
        state = BuildState(home, connection)
        if not state.is_checked():
            raise KefuError(f"{home.path} has no build that passed its checks and is not published: build first")
        is_key_unchanged = state.is_key_unchanged()
    version = publish(home, with_previous=is_key_unchanged and home.published.exists())
    with home.connect() as connection:
        state = BuildState(home, connection)
        state.mark_built(last_version(home))
        if not is_key_unchanged:  # the version before tells buyers apart in another way, or by their ids
            drop_other_versions(home)
        state.mark_key()
        for platform, days in state.dates_built().items():
            report(f"rebuilt {platform}: {len(days)} dates, {days[0]} to {days[-1]}")
    report(f"published {home.published} -> {version.name}")


def report_held(home: Home, report: Report) -> None:
    with home.connect() as connection:
        for held in BuildState(home, connection).held_dates():
            report(f"held back: {held}; readers keep its last good figures until a delivery corrects it or a build asks for it")


def is_anything_pending(home: Home) -> bool:
    """Whether something has landed that is not built and published as of now."""
    with opened(home) as state:
        return state.is_anything_pending()


def is_anything_of(home: Home, dates: Dates) -> bool:
    """Whether a build of a range has anything to do: something landed of it, or is pending. The caller holds the home's lock."""
    with opened(home) as state:
        return state.is_anything_pending() or state.has_landed_of(dates)


def is_anything_new(home: Home, landing: Path) -> bool:
    """Whether a build would change what is published: something is to land, or has landed and is pending."""
    inventory = find_deliveries(landing, contract())
    with one_writer(home), opened(home) as state:
        return bool(not_landed(state.connection, inventory)) or state.is_anything_pending()


def new_deliveries(home: Home, landing: Path) -> Sequence[Delivery]:
    """The deliveries that have not landed, or not as they are now."""
    inventory = find_deliveries(landing, contract())
    with one_writer(home), opened(home) as state:
        return not_landed(state.connection, inventory)
