"""What the warehouse remembers between builds: what was asked for, what is still to build, what the last build was made with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.build.checks import Check
from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import PROJECT
from orchestration.landing.contract import contract
from orchestration.privacy.buyers import key_fingerprint
from orchestration.sql import text

PARAMETERS = PROJECT / "seeds" / "rule_parameters.csv"


_EMPTY_CHANGED = "".join(f"delete from changed.{table.relation};" for table in contract().values())


@dataclass(frozen=True)
class HeldDate:
    platform: str
    business_date: date
    check_name: str

    def __str__(self) -> str:
        return f"{self.platform} {self.business_date} (check {self.check_name})"


@dataclass(frozen=True)
class Dates:
    """Business dates to build: those of a range, those that deliveries touched, or both."""

    first: date | None = None
    last: date | None = None
    with_touched: bool = True

    @property
    def is_range(self) -> bool:
        return self.first is not None


def create_state(connection: duckdb.DuckDBPyConnection) -> None:
    """Schema build. A new warehouse has everything to build."""
    connection.execute(
        """
        create schema if not exists build;
        create table if not exists build.request (
            first_date date, last_date date, with_touched boolean, everything boolean, is_checked boolean,
            published_at timestamp
        );
        insert into build.request select null, null, true, true, false, null where not exists (from build.request);
        create table if not exists build.built_with (project varchar, parameters varchar, stands boolean);
        create table if not exists build.built_rule_parameters (
            scope varchar, parameter varchar, value varchar, valid_from date, valid_to date
        );
        create table if not exists build.published_revisions (
            platform varchar, metric varchar, subject varchar, shop_id varchar, account_id varchar, period varchar,
            period_end date, revision integer, value double, numerator double, denominator double, published_at timestamp
        );
        create table if not exists build.published_with (buyer_key varchar);
        create table if not exists build.built_as_of (platform varchar, as_of timestamp);
        create table if not exists build.held_dates (platform varchar, business_date date, check_name varchar);
        create table if not exists build.built_dates (platform varchar, business_date date, version integer);
        create table if not exists build.closed_months (month date, version integer);
        create table if not exists build.built_deliveries (platform varchar, table_name varchar, dt date, landed_at timestamp);
        """
    )


def request(connection: duckdb.DuckDBPyConnection, dates: Dates, *, full_refresh: bool) -> None:
    """Writes down which dates to build; changed rules and models make it everything."""
    built_with = connection.execute("select project from build.built_with").fetchone()
    is_changed = built_with is not None and built_with[0] != project_fingerprint()
    if is_changed and dates.is_range and not dates.with_touched:
        raise KefuError(
            "models or seeds changed since the last build, so every date is to be rebuilt: build once without a range"
        )
    connection.execute(
        """
        update build.request set
            first_date = ?, last_date = ?, with_touched = ?, everything = everything or ?,
            published_at = ?
        """,
        [dates.first, dates.last, dates.with_touched, full_refresh or is_changed, beijing_now()],
    )


def mark_building(connection: duckdb.DuckDBPyConnection) -> None:
    """Before dbt runs: a build that fails may leave seeds and views of other rules than those of the last published one."""
    connection.execute("update build.built_with set stands = false")
    mark_checked(connection, False)


def mark_checked(connection: duckdb.DuckDBPyConnection, is_checked: bool) -> None:
    """Whether what lies in the marts is a whole build that passed its checks: nothing else is published."""
    connection.execute("update build.request set is_checked = ?", [is_checked])


def is_checked(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(connection.execute("select is_checked from build.request").fetchall()[0][0])


def is_published(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the marts are those of the last build that was published, and noted as such: no build has begun since."""
    return bool(connection.execute("select exists (from build.built_with where stands)").fetchall()[0][0])


def adopt_revisions(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    """What was published stays, also where the build died before it could note so: readers' own file tells."""
    if not published.exists():
        return
    connection.execute(f"attach {text(str(published.resolve()))} as published (read_only)")
    try:
        connection.execute("create or replace table build.published_revisions as select * from published.marts.metric_revisions")
    finally:
        connection.execute("detach published")


def is_everything(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(connection.execute("select everything from build.request").fetchall()[0][0])


def is_built(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether everything that has landed, and every rule, is in the marts already, and published with the buyers' key of now."""
    is_current = not is_everything(connection) and is_project_unchanged(connection) and is_key_unchanged(connection)
    return is_current and not _platforms_with_news(connection) and not _is_any_delivery_new(connection)


def _is_any_delivery_new(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether something landed since the last published build, be it without rows: the marts tell of deliveries, too."""
    return bool(
        connection.execute(
            """
            select exists (
                select platform, table_name, dt, landed_at from raw.deliveries except from build.built_deliveries
            )
            """
        ).fetchall()[0][0]
    )


def hold(connection: duckdb.DuckDBPyConnection, checks: Iterable[Check]) -> None:
    """Takes the dates on which a blocking check found rows out of what is to build, so that they stop no other date.

    Readers keep what was published of them. They are built again when a delivery touches them anew, or when asked for. Nothing is
    held in a build of everything, nor where rows cannot be told by date: then no date is known to be good.
    """
    blocking = [check for check in checks if check.is_blocking]
    dated = [(check, dates_found(connection, check)) for check in blocking]
    if not blocking or is_everything(connection) or not all(dates for _, dates in dated):
        return
    held = [(platform, day, check.name) for check, dates in dated for platform, day in dates]
    connection.execute("begin")
    connection.executemany("insert into build.held_dates values (?, ?, ?)", held)
    # What has landed is in touched_dates and touched_pairs by now: only what lands from here on touches a held date anew.
    connection.execute(
        f"""
        delete from build.touched_dates where (platform, business_date) in (
            select (platform, business_date) from build.held_dates
        );
        {_EMPTY_CHANGED}
        commit;
        """
    )


def dates_found(connection: duckdb.DuckDBPyConnection, check: Check) -> list[tuple[str, date]]:
    """The dates of this build that the rows found are about."""
    if check.dates is None:
        return []
    dated = f"{check.dates.platform} as p, {check.dates.first} as first_date, {check.dates.last} as last_date"
    rows = f"select {dated} from ({check.query})"
    return connection.execute(
        f"""
        select platform, business_date from build.build_dates b
        where exists (select 1 from ({rows}) where b.platform = p and b.business_date between first_date and last_date)
        """
    ).fetchall()


def held_dates(connection: duckdb.DuckDBPyConnection) -> list[HeldDate]:
    """The dates that wait for a correction, in order."""
    rows = connection.execute(
        "select platform, business_date, min(check_name) from build.held_dates group by all order by all"
    ).fetchall()
    return [HeldDate(*row) for row in rows]


def is_key_unchanged(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the published marts hash buyers' ids with the key of now, or publish them as they are where there is none."""
    (published_with,) = connection.execute("select max(buyer_key) from build.published_with").fetchall()[0]
    return bool(published_with == key_fingerprint())


def mark_published(connection: duckdb.DuckDBPyConnection) -> None:
    """After publishing: remembers with which buyers' key."""
    connection.execute("delete from build.published_with")
    connection.execute("insert into build.published_with values (?)", [key_fingerprint()])


def _platforms_with_news(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Platforms that have changed rows, dates or pairs still to build, or a later dt than the last published build knew."""
    found = connection.execute(
        """
        select platform
        from (
            select platform, max(dt) + interval 1 day from raw.deliveries group by platform
            except
            from build.built_as_of
        )
        union
        select platform from build.touched_dates
        union
        select 'taobao' from build.touched_pairs
        """
    ).fetchall()
    changed = {
        table.platform
        for table in contract().values()
        if connection.execute(f"select exists (from changed.{table.relation})").fetchall()[0][0]
    }
    return changed | {platform for (platform,) in found}


def is_project_unchanged(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether models and seeds, the rule parameters among them, stand in the warehouse as the last published build left them."""
    built_with = connection.execute("select project, parameters from build.built_with where stands").fetchone()
    return built_with == (project_fingerprint(), _fingerprint([PARAMETERS]))


def unchanged_selections(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """What dbt need not build again: seeds, views and rules of an unchanged project, platforms for which nothing is new."""
    (range_or_everything,) = connection.execute("select first_date is not null or everything from build.request").fetchall()[0]
    if range_or_everything or not is_project_unchanged(connection):
        return []
    unchanged = sorted({table.platform for table in contract().values()} - _platforms_with_news(connection))
    folders = [f"path:models/{layer}/{platform}" for platform in unchanged for layer in ("intermediate", "marts")]
    return ["resource_type:seed", "config.materialized:view", "path:models/rules", *folders]


def mark_built(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """After publishing that version: the dates and pairs of this build are no longer to be built, nor held."""
    connection.execute(
        f"""
        begin;
        delete from build.held_dates where (select everything from build.request) or (platform, business_date) in (
            select (platform, business_date) from build.build_dates
        );
        delete from build.built_dates where (platform, business_date) in (
            select (platform, business_date) from build.build_dates
        );
        insert into build.built_dates select platform, business_date, {version} from build.build_dates;
        delete from build.touched_dates where (platform, business_date) in (
            select (platform, business_date) from build.build_dates
        );
        delete from build.touched_pairs as t where exists (
            select 1 from build.build_pairs b
            where t.shop_id = b.shop_id and t.buyer_id = b.buyer_id and t.touched_from >= b.touched_from
        );
        {_EMPTY_CHANGED}
        delete from build.built_rule_parameters;
        insert into build.built_rule_parameters
        select scope, parameter, value, valid_from, valid_to from marts.rule_parameters;
        delete from build.published_revisions;
        insert into build.published_revisions from published.marts.metric_revisions;
        delete from build.built_as_of;
        insert into build.built_as_of select platform, as_of from build.as_of;
        delete from build.built_deliveries;
        insert into build.built_deliveries select platform, table_name, dt, landed_at from raw.deliveries;
        update build.request set everything = false, is_checked = false;
        delete from build.built_with;
        insert into build.built_with values ('{project_fingerprint()}', '{_fingerprint([PARAMETERS])}', true);
        commit;
        """
    )


def project_fingerprint() -> str:
    """Changes with anything a date's figures are computed with, apart from the rule parameters, which are dated themselves."""
    folders = (PROJECT / folder for folder in ("models", "macros", "seeds"))
    files = (path for folder in folders for path in folder.rglob("*") if path.suffix in {".sql", ".csv"})
    return _fingerprint(sorted(path for path in files if path != PARAMETERS))


def _fingerprint(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
