"""The steps of a build. The command line and Dagster walk the same ones; only how dbt is run is theirs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from orchestration.build.checks import LastRun, forget_last_run
from orchestration.build.publish import drop_other_versions, is_worth_a_base, last_version, publish
from orchestration.build.state import BuildState, Dates, opened, prepared
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer, open_home
from orchestration.landing.contract import contract
from orchestration.landing.deliveries import LAYOUT, Delivery, find_deliveries
from orchestration.landing.ledger import missing
from orchestration.landing.load import Gone, Landed, NotAllLandedError, gone, land, not_landed, with_lost_files
from orchestration.language import language
from orchestration.privacy.buyers import buyer_key
from orchestration.spark.engine import DUCKDB, engine

Report = Callable[[str], None]
OF_MOMENTS = "path:models/live"  # models that `kefu live` runs, and no build


def build(
    landing: Path,
    home_path: Path,
    dates: Dates,
    *,
    full_refresh: bool,
    prune: bool,
    report: Report,
    without_key: bool = False,
    marts: Sequence[str] = (),
) -> bool:
    """Lands, builds, checks, publishes: every mart, or in a new home only `marts`. False where there was nothing to do.

    KefuError names, once all else is published, the platforms of which nothing landed as a file cannot be read.
    """
    home = open_home(home_path, apart_from=landing)
    with one_writer(home):
        if marts:
            from orchestration.build.dbt import check_marts  # dbt takes three seconds to import

            check_marts(home, marts)
            with prepared(home) as state:
                state.guard_new()
        landed = land_deliveries(home, landing, again=full_refresh, prune=prune, report=report, without_key=without_key)
        is_to_build = bool(landed) or full_refresh or dates.is_range or is_anything_pending(home)
        if is_to_build:
            from orchestration.build.dbt import run_dbt

            with building(home, dates, report, full_refresh=full_refresh, marts=marts) as arguments:
                run_dbt(home, arguments, report)
        else:
            with opened(home) as state:
                report_held(state, report)
        raise_unreadable(home)
        return is_to_build


def land_deliveries(
    home: Home, landing: Path, *, again: bool, report: Report, prune: bool = False, without_key: bool = False
) -> Sequence[Landed]:
    """Lands what is new, or everything again. The caller holds the home's lock.

    What has landed and is no longer in landing stays, unless everything lands again, or with `prune`. Of a platform with a file
    that cannot be read nothing lands; `raise_unreadable` tells of it. `without_key` lets a home that was published with a buyers'
    key go on without one.
    """
    buyer_key()  # one that cannot be used is told of before anything is done
    inventory = find_deliveries(landing, contract())
    for warning in inventory.warnings:
        report(f"warning: {warning}")
    with prepared(home) as state:
        if not without_key:
            state.guard_key()
        away = gone(state.connection, inventory)
        if not inventory.deliveries and (again or prune or not away):
            raise KefuError(f"--landing {landing} has no delivery: files lie in {LAYOUT}")
        record_changes = not again and not state.is_everything()
        if again:
            state.ask_for_everything()
        new = inventory.deliveries if again else not_landed(state.connection, inventory, prune=prune)
        if not again and not prune:
            _report_away(away, with_lost_files(state.connection, inventory), report)
            away = []
        if new or away:  # before the first table lands: whatever ends this process, what landed is built before it is published
            state.mark_changed()
        state.note_ignored(inventory.ignored)
        try:
            landed = land(state.connection, new, gone=away, record_changes=record_changes, report=report)
            state.note_unreadable({})
        except NotAllLandedError as error:
            landed = error.landed
            state.note_unreadable(error.errors)
            for platform, what in error.errors.items():
                report(f"not landed {platform}: {what}")
    return landed


def check(landing: Path, report: Report) -> None:
    """Says what landing would say, in a home that is gone afterwards. KefuError names what cannot be read."""
    with TemporaryDirectory(prefix="kefu-check-") as folder:
        home = open_home(Path(folder, "home"))
        land_deliveries(home, landing, again=False, report=report)
        with opened(home) as state:
            for line in missing(state.connection):
                report(f"warning: {line}")
            for held in state.held_dates():
                report(f"would be held back: {held}")
        raise_unreadable(home)


def _report_away(away: Sequence[Gone], with_lost: Sequence[Delivery], report: Report) -> None:
    names = [f"{each.table.label}/dt={each.dt}" for each in away]
    names += [f"files of {delivery.table.label}/dt={delivery.dt}" for delivery in with_lost]
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        report(f"warning: no longer in landing: {shown}; what they delivered stays until they come again or `kefu build --prune`")


def raise_unreadable(home: Home) -> None:
    """Raises a KefuError that names the files for which nothing of their platforms landed, if there are any."""
    with opened(home) as state:
        errors = state.unreadable()
    if errors:
        platforms = ", ".join(sorted(errors))
        raise KefuError(f"{'; '.join(errors.values())} (nothing new of {platforms} has landed, all else is done)")


def _dbt_arguments(*, full_refresh: bool, unchanged: Sequence[str] = (), marts: Sequence[str] = ()) -> list[str]:
    """Arguments to build models, seeds and data tests, but for the selections whose result stands as the last build left it;
    of `marts`, if there are any, only these with what they need, and the checks on that.
    """
    selected = ["--select", *(f"+{mart}" for mart in marts), "+build_dates"] if marts else []
    left_out = ["--exclude", OF_MOMENTS, *unchanged]
    refreshed = ["--full-refresh"] if full_refresh else []
    # Checks of a mart run also where the mart, a view, stands as it is: what it shows is new.
    tests = "cautious" if marts else "empty"
    return ["build", "--indirect-selection", tests, *selected, *left_out, *refreshed]


@contextmanager
def building(
    home: Home,
    dates: Dates,
    report: Report,
    *,
    full_refresh: bool = False,
    marts: Sequence[str] = (),
    may_copy: bool = True,
) -> Iterator[list[str]]:
    """Builds, checks and publishes what has landed, around a run of dbt that is the caller's: it gets the arguments for dbt.

    Unless it `may_copy` the version before, all of the new one is written.

    With a KefuError the caller says that dbt failed. Dates on which a blocking check found rows are held back then, and the next
    build can publish the others. The caller holds the home's lock.
    """
    forget_last_run(home)
    with opened(home) as state:
        unchanged = state.begin(dates, full_refresh=full_refresh)
        arguments = _dbt_arguments(full_refresh=state.is_everything(), unchanged=unchanged, marts=marts)
    try:
        yield arguments
    except KefuError:
        with opened(home) as state:
            state.hold_back(LastRun(home).findings())
            report_held(state, report)
        raise
    with opened(home) as state:
        if state.is_everything():
            state.drop_unknown(LastRun(home).relations())
        state.mark_checked()
    publish_build(home, report, marts=marts, may_copy=may_copy)
    if engine() == DUCKDB:  # no view is left on what Spark made
        for folder in (home.spark, home.lake):
            shutil.rmtree(folder, ignore_errors=True)


def publish_build(home: Home, report: Report, *, marts: Sequence[str] = (), may_copy: bool = True) -> None:
    """Publishes what dbt built and checked, marks it as built, and tells of it: a crash in between builds it once more.

    Of a selection of marts everything stays to be built: the next build does the rest.
    """
    with opened(home) as state:
        if not state.is_checked():
            raise KefuError(f"{home.path} has no build that passed its checks and is not published: build first")
        is_key_unchanged = state.is_key_unchanged()
        base = state.published_version() if is_key_unchanged and not state.is_everything() else None
    is_base = may_copy and base and base.has_every_mart and base.number == last_version(home) and is_worth_a_base(home, base)
    with_previous = is_key_unchanged and home.published.exists() and not marts
    version = publish(home, with_previous=with_previous, marts=marts, base=base if is_base else None)
    with opened(home) as state:
        if marts:
            state.mark_changed()
        else:
            state.mark_built(version.number)
        state.mark_published(version)
        if not is_key_unchanged:  # the version before tells buyers apart in another way, or by their ids
            drop_other_versions(home)
        state.mark_key()
        for platform, days in state.dates_built().items():
            report(f"rebuilt {platform}: {len(days)} dates, {days[0]} to {days[-1]}")
        only = f", of its marts only {', '.join(marts)}: a build without --select does the rest" if marts else ""
        report(f"published {home.published} -> {home.published.resolve().name}{only}")
        report_held(state, report)
        if not marts:
            report_missing_tables(state.connection, report)


def report_held(state: BuildState, report: Report) -> None:
    for held in state.held_dates():
        report(f"held back: {held}; readers keep its last good figures until a delivery corrects it or a build asks for it")


def report_missing_tables(connection: duckdb.DuckDBPyConnection, report: Report) -> None:
    """Tells what no metric can know of a platform, as tables of it never landed."""
    missing = connection.execute(
        f"""
        select platform || '/' || table_name, effect_{language()}, string_agg(metric, ', ' order by metric)
        from marts.metric_coverage
        where not is_delivered and platform in (select platform from marts.metric_coverage where is_delivered)
        group by all order by max(is_required) desc, 1, 2
        """
    ).fetchall()
    for table, effect, metrics in missing:
        report(f"no rows of {table} have landed: {effect} ({metrics})")


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
    with one_writer(home, wait_seconds=0), prepared(home) as state:
        return bool(not_landed(state.connection, inventory)) or state.is_anything_pending()


def new_deliveries(home: Home, landing: Path) -> Sequence[Delivery]:
    """The deliveries that have not landed, or not as they are now."""
    inventory = find_deliveries(landing, contract())
    with one_writer(home, wait_seconds=0), prepared(home) as state:
        return not_landed(state.connection, inventory)
