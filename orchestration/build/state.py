"""What the warehouse remembers between builds: what was asked for, what is still to build, what the last build was made with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.checks import Check
from orchestration.build.publish import Version
from orchestration.build.ranges import spelled
from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import PROJECT, Home
from orchestration.landing.contract import contract, platforms
from orchestration.landing.tables import create_tables
from orchestration.privacy.buyers import VARIABLE, key_fingerprint
from orchestration.spark.engine import DUCKDB, engine
from orchestration.sql import name, text

LAYERS = ("items", "judged", "metrics")  # of models: what these hold of a platform stands where nothing of it is new
PARAMETERS = PROJECT / "seeds" / "rule_parameters.csv"


@dataclass(frozen=True)
class HeldDate:
    platform: str
    business_date: date
    cause: str  # `of_check` a check, or what is doubtful about a delivery

    def __str__(self) -> str:
        return f"{self.platform} {self.business_date} ({self.cause})"

    @property
    def why(self) -> str:
        return f"failed its {self.cause}" if self.cause.startswith(of_check("")) else f"is held back: {self.cause}"


def of_check(check_name: str) -> str:
    return f"check {check_name}"


@dataclass(frozen=True)
class Dates:
    """Business dates to build: those of a range, those that deliveries touched, or both."""

    first: date | None = None
    last: date | None = None
    with_touched: bool = True

    @property
    def is_range(self) -> bool:
        return self.first is not None

    def __str__(self) -> str:
        return spelled(self.first, self.last) if self.first and self.last else "the dates that deliveries touched"


@contextmanager
def opened(home: Home) -> Iterator[BuildState]:
    """Opens a home's warehouse as `prepared` left it."""
    with home.connect() as connection:
        yield BuildState(home, connection)


@contextmanager
def prepared(home: Home) -> Iterator[BuildState]:
    """Opens a home's warehouse, with every table made that is not there. A new warehouse has everything to build."""
    with home.connect() as connection:
        create_tables(connection)
        connection.execute(
            """
            create schema if not exists build;
            create table if not exists build.request (
                first_date date, last_date date, with_touched boolean, everything boolean, is_checked boolean,
                published_at timestamp
            );
            insert into build.request select null, null, true, true, false, null where not exists (from build.request);
            create table if not exists build.built_with (project varchar, parameters varchar, stands boolean);
            create table if not exists build.computed (engine varchar, is_whole boolean);
            create table if not exists build.built_rule_parameters (
                scope varchar, parameter varchar, value varchar, valid_from date, valid_to date
            );
            create table if not exists build.published_revisions (
                platform varchar, metric varchar, subject varchar, shop_id varchar, account_id varchar, period varchar,
                period_end date, revision integer, value double, numerator double, denominator double, published_at timestamp
            );
            create table if not exists build.built_metric_day_digests (
                platform varchar, metric varchar, business_date date, digest hugeint
            );
            create table if not exists build.published_with (buyer_key varchar);
            create table if not exists build.published_version (
                number integer, has_every_mart boolean, is_copy boolean, replaced_rows bigint
            );
            create table if not exists build.published_held_dates (platform varchar, business_date date);
            create table if not exists build.written_whole (file varchar, bytes bigint);
            create table if not exists build.built_as_of (platform varchar, as_of timestamp);
            create table if not exists build.held_dates (platform varchar, business_date date, check_name varchar);
            create table if not exists build.ignored_paths (path varchar);
            create table if not exists build.built_dates (platform varchar, business_date date, version integer);
            create table if not exists build.closed_months (month date, version integer);
            create table if not exists build.built_deliveries (
                platform varchar, table_name varchar, dt date, landed_at timestamp
            );
            """
        )
        yield BuildState(home, connection)


@dataclass(frozen=True)
class BuildState:
    """Schema build of an open warehouse. Nothing else writes what is asked for, checked, held, built and closed."""

    home: Home
    connection: duckdb.DuckDBPyConnection

    def _value(self, query: str) -> Any:
        return self.connection.execute(query).fetchall()[0][0]

    # What is asked for

    def begin(self, dates: Dates, *, full_refresh: bool) -> list[str]:
        """Writes down what to build, before dbt runs. Returns the selections of what dbt need not build again."""
        if not self._value("select exists (from build.built_with where stands)"):
            self._adopt_revisions()
        self._request(dates, full_refresh)
        unchanged = self.unchanged_selections()
        # A build that fails may leave seeds and views of other rules than those of the last published one.
        self.connection.execute("update build.built_with set stands = false")
        self.mark_changed()
        if engine() == DUCKDB:
            self.mark_computing(is_whole=True)  # each of its tables is, at any moment
        return unchanged

    def mark_computing(self, *, is_whole: bool) -> None:
        """Notes the engine that makes the models' tables, and whether each of them is whole."""
        self.connection.execute("delete from build.computed")
        self.connection.execute("insert into build.computed values (?, ?)", [engine(), is_whole])

    def _adopt_revisions(self) -> None:
        """Takes over what was published, also where the build died before it could note so: readers' own file tells."""
        if not self.home.published.exists():
            return
        self.connection.execute(f"attach {text(self.home.published.resolve())} as published (read_only)")
        try:
            self.connection.execute(
                "create or replace table build.published_revisions as select * from published.marts.metric_revisions"
            )
        except duckdb.CatalogException:  # of a selection of marts that were published first
            pass
        finally:
            self.connection.execute("detach published")

    def _request(self, dates: Dates, full_refresh: bool) -> None:
        """Writes down which dates to build; changed rules and models make it everything."""
        built_with = self.connection.execute("select project from build.built_with").fetchone()
        is_changed = built_with is not None and built_with[0] != project_fingerprint()
        is_elsewhere = self._is_computed_elsewhere()
        if (is_changed or is_elsewhere) and dates.is_range and not dates.with_touched:
            what = (
                "models or seeds changed since the last build"
                if is_changed
                else "what models made is not this engine's, or not whole"
            )
            raise KefuError(f"{what}, so every date is to be rebuilt: build once without a range")
        self.connection.execute(
            """
            update build.request set
                first_date = ?, last_date = ?, with_touched = ?, everything = everything or ?,
                published_at = ?
            """,
            [dates.first, dates.last, dates.with_touched, full_refresh or is_changed or is_elsewhere, beijing_now()],
        )

    def _is_computed_elsewhere(self) -> bool:
        """Whether what models made is another engine's, or Spark's of a run that did not come to its end: it replaces no table in
        one step, so that any may be half or missing.
        """
        made = self.connection.execute("select engine, is_whole from build.computed").fetchone() or (DUCKDB, True)
        return bool(
            made != (engine(), True) and self._value("select exists (from build.built_with) or exists (from build.computed)")
        )

    def ask_for_everything(self) -> None:
        self.connection.execute("update build.request set everything = true")

    def guard_new(self) -> None:
        """Raises KefuError where the whole project was built before: a selection of marts would take the others from readers."""
        if self._value("select exists (from build.built_with)"):
            raise KefuError(
                f"--select is for a new home, and {self.home.path} holds every mart: leave it out, or name another home"
            )

    def is_everything(self) -> bool:
        return bool(self._value("select everything from build.request"))

    def unchanged_selections(self) -> list[str]:
        """What dbt need not build again: seeds, views and rules of an unchanged project, platforms for which nothing is new."""
        if self.is_everything() or not self._is_project_unchanged():
            return []
        is_range = self._value("select first_date is not null from build.request")  # of every platform
        unchanged = [] if is_range else sorted(set(platforms()) - self._platforms_with_news())
        of_platforms = [f"fqn:kefu.{layer}.{platform}" for platform in unchanged for layer in LAYERS]
        of_platforms += [f"fqn:kefu.{platform}" for platform in unchanged]  # checks
        # Not by their paths: for each one dbt would walk the project's folders.
        return ["resource_type:seed", "file:_seeds.yml", "config.materialized:view", "fqn:kefu.rules", *of_platforms]

    # What is pending

    def is_anything_pending(self) -> bool:
        """Whether what has landed, the rules and the buyers' key of now are not all in the marts that are published."""
        return (
            not self.home.published.exists()
            or self.is_everything()
            or not self._is_project_unchanged()
            or self._is_computed_elsewhere()
            or not self.is_key_unchanged()
            or bool(self._platforms_with_news())
            or self._is_any_delivery_new()
        )

    def has_landed_of(self, dates: Dates) -> bool:
        """Whether anything is delivered for a day of the range, or happened on it."""
        return bool(
            self._value(
                f"""
                select exists (
                    select dt from raw.deliveries where dt between {_date(dates.first)} and {_date(dates.last)}
                    union all
                    select dt from raw.delivery_lateness
                    where dt - days_late between {_date(dates.first)} and {_date(dates.last)}
                )
                """
            )
        )

    def _is_any_delivery_new(self) -> bool:
        """Whether something landed since the last published build, be it without rows: the marts tell of deliveries, too."""
        return bool(
            self._value(
                """
                select exists (
                    (select platform, table_name, dt, landed_at from raw.deliveries except from build.built_deliveries)
                    union all
                    (from build.built_deliveries except select platform, table_name, dt, landed_at from raw.deliveries)
                )
                """
            )
        )

    def _platforms_with_news(self) -> set[str]:
        """Platforms that have changed rows, dates or pairs still to build, or a later dt than the last published build knew."""
        changed = " union ".join(f"select {text(table.platform)} from changed.{table.relation}" for table in contract().values())
        found = self.connection.execute(
            f"""
            select platform
            from (
                select platform, max(dt) + interval 1 day from raw.deliveries
                where not starts_with(table_name, 'official_') group by platform -- as the model as_of has it
                except
                from build.built_as_of
            )
            union
            select platform from build.touched_dates
            union
            select platform from build.touched_pairs
            union
            {changed}
            """
        ).fetchall()
        return {platform for (platform,) in found}

    def _is_project_unchanged(self) -> bool:
        """Whether models, seeds and rule parameters stand in the warehouse as the last published build left them."""
        built_with = self.connection.execute("select project, parameters from build.built_with where stands").fetchone()
        return built_with == (project_fingerprint(), fingerprint([PARAMETERS]))

    def is_key_unchanged(self) -> bool:
        """Whether the published marts hash buyers' ids with the key of now, or publish them as they are where there is none."""
        return bool(self._value("select max(buyer_key) from build.published_with") == key_fingerprint())

    def guard_key(self) -> None:
        """Raises KefuError where marts were published with a key and there is none now: ids would be published as they are."""
        if key_fingerprint() is None and self._value("select count(buyer_key) from build.published_with"):
            raise KefuError(
                f"{VARIABLE} is not set, and {self.home.path} was published with a key: set it, or give kefu build "
                "--without-buyer-key to publish buyers' ids as they are"
            )

    # What has not landed

    def note_unreadable(self, errors: dict[str, str]) -> None:
        """Notes the platforms of which nothing landed, each with what cannot be read."""
        self.connection.execute("delete from raw.unreadable")
        self.connection.execute(
            "insert into raw.unreadable select unnest($1::varchar[]), unnest($2::varchar[])", [[*errors], [*errors.values()]]
        )

    def unreadable(self) -> dict[str, str]:
        return dict(self.connection.execute("select platform, error from raw.unreadable order by all").fetchall())

    # What is ignored

    def note_ignored(self, paths: Sequence[str]) -> None:
        """Notes what lies in the landing folder and is no delivery, of which a check tells."""
        self.connection.execute("delete from build.ignored_paths")
        self.connection.execute("insert into build.ignored_paths select unnest($1::varchar[])", [list(paths)])

    # What is checked

    def mark_changed(self) -> None:
        """Notes that something lands, goes or is built: until dbt has run and its checks have passed, nothing is published."""
        self.connection.execute("update build.request set is_checked = false")

    def mark_checked(self) -> None:
        """Notes that dbt built everything that was asked for and every check passed."""
        self.connection.execute("update build.request set is_checked = true")

    def is_checked(self) -> bool:
        """Whether what lies in the marts is a whole build that passed its checks."""
        return bool(self._value("select is_checked from build.request"))

    def drop_unknown(self, known: set[tuple[str, str]]) -> None:
        """After a build of everything, drops what models made that the project no longer has: nothing would rebuild its rows."""
        found = self.connection.execute(
            """
            select table_schema, table_name, table_type from information_schema.tables
            where table_catalog = current_database() and table_schema not in ('raw', 'changed', 'staging', 'build')
            """
        ).fetchall()
        for schema, relation, kind in found:
            if (schema, relation) not in known:
                self.connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {name(schema)}.{name(relation)}")
        for schema in {schema for schema, _, _ in found} - {schema for schema, _ in known}:
            self.connection.execute(f"drop schema {name(schema)}")

    # What is held back

    def hold_back(self, checks: Iterable[Check]) -> None:
        """Takes the dates on which a blocking check found rows out of what is to build, so that they stop no other date.

        Readers keep what was published of them. They are built again when a delivery touches them anew, or when asked for.
        Nothing is held in a build of everything, nor where rows cannot be told by date: then no date is known to be good.
        """
        blocking = [check for check in checks if check.is_blocking]
        dated = [(check, self.dates_found(check)) for check in blocking]
        if not blocking or self.is_everything() or not all(dates for _, dates in dated):
            return
        held = [(platform, day, check.name) for check, dates in dated for platform, day in dates]
        self.connection.execute("begin")
        self.connection.executemany("insert into build.held_dates values (?, ?, ?)", held)
        # What has landed is in touched_dates and touched_pairs by now: only what lands from here on touches a held date anew.
        self.connection.execute(
            f"""
            delete from build.touched_dates where (platform, business_date) in (
                select (platform, business_date) from build.held_dates
            );
            {_empty_changed()}
            commit;
            """
        )

    def dates_found(self, check: Check) -> list[tuple[str, date]]:
        """The dates of this build that the rows found are about."""
        if check.dates is None:
            return []
        dated = f"{check.dates.platform} as p, {check.dates.first} as first_date, {check.dates.last} as last_date"
        rows = f"select {dated} from ({check.query})"
        return self.connection.execute(
            f"""
            select platform, business_date from build.build_dates b
            where exists (select 1 from ({rows}) where b.platform = p and b.business_date between first_date and last_date)
            """
        ).fetchall()

    def held_dates(self) -> list[HeldDate]:
        """The dates that wait for a correction, in order."""
        rows = self.connection.execute(
            """
            select platform, business_date, check_name, null from build.held_dates
            union all
            select platform, business_date, null, min(table_name || '/dt=' || dt || ': ' || cause)
            from raw.doubtful_dates
            group by all
            order by all
            """
        ).fetchall()
        return [HeldDate(platform, day, of_check(check) if check else delivery) for platform, day, check, delivery in rows]

    # What is built

    def dates_built(self) -> dict[str, list[date]]:
        """The dates of this build, by platform."""
        dates: dict[str, list[date]] = {}
        for platform, day in self.connection.execute("select * from build.build_dates order by all").fetchall():
            dates.setdefault(platform, []).append(day)
        return dates

    def dates_built_after(self, version: int) -> list[date]:
        """The dates, of any platform, that a later version holds anew."""
        rows = self.connection.execute(
            "select distinct business_date from build.built_dates where version > ? order by all", [version]
        ).fetchall()
        return [day for (day,) in rows]

    def published_version(self) -> Version | None:
        """The version that the last build published."""
        rows = self.connection.execute(
            "select number, has_every_mart, is_copy, replaced_rows from build.published_version"
        ).fetchall()
        return Version(*rows[0]) if rows else None

    def mark_published(self, version: Version) -> None:
        self.connection.execute("delete from build.published_version; delete from build.published_held_dates")
        self.connection.execute(
            "insert into build.published_version values (?, ?, ?, ?)",
            [version.number, version.has_every_mart, version.is_copy, version.replaced_rows],
        )
        platforms, dates = ([held[column] for held in version.held_dates] for column in (0, 1))
        self.connection.execute(
            "insert into build.published_held_dates select unnest($1::varchar[]), unnest($2::date[])", [platforms, dates]
        )

    def mark_version_whole(self) -> None:
        """Notes that the file of the published version was written anew, and holds nothing of the rows it once had."""
        self.connection.execute("update build.published_version set is_copy = false, replaced_rows = 0")

    def sizes_written_whole(self) -> dict[str, int]:
        """The sizes of files when they were last written whole, by their names."""
        return dict(self.connection.execute("from build.written_whole").fetchall())

    def mark_written_whole(self, file: str, size: int) -> None:
        self.connection.execute("delete from build.written_whole where file = ?", [file])
        self.connection.execute("insert into build.written_whole values (?, ?)", [file, size])

    def mark_built(self, version: int) -> None:
        """Notes that this version was published: the dates and pairs of its build are no longer to be built, nor held."""
        self.connection.execute(
            f"""
            attach {text(self.home.published.resolve())} as published (read_only);
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
            {_empty_changed()}
            delete from build.built_rule_parameters;
            insert into build.built_rule_parameters
            select scope, parameter, value, valid_from, valid_to from marts.rule_parameters;
            insert into build.published_revisions
            from published.marts.metric_revisions where published_at = (select published_at from build.request);
            delete from metrics.int_new_revisions;
            delete from build.built_metric_day_digests;
            insert into build.built_metric_day_digests
            select platform, metric, business_date, digest from metrics.int_metric_day_digests;
            delete from metrics.int_changed_metric_days;
            delete from build.built_as_of;
            insert into build.built_as_of select platform, as_of from build.as_of;
            delete from build.built_deliveries;
            insert into build.built_deliveries select platform, table_name, dt, landed_at from raw.deliveries;
            update build.request set everything = false, is_checked = false;
            delete from build.built_with;
            insert into build.built_with values ({text(project_fingerprint())}, {text(fingerprint([PARAMETERS]))}, true);
            commit;
            detach published;
            """
        )

    def mark_key(self) -> None:
        """Notes with which buyers' key the marts were published."""
        self.connection.execute("delete from build.published_with")
        self.connection.execute("insert into build.published_with values (?)", [key_fingerprint()])

    # What is closed

    def months_over(self, today: date) -> dict[date, int]:
        """Months that are over and not closed, or with a day rebuilt since; with the version that holds their newest day."""
        rows = self.connection.execute(
            """
            select b.month, b.version
            from (
                select date_trunc('month', business_date)::date as month, max(version) as version
                from build.built_dates group by all
            ) b
            left join build.closed_months c on b.month = c.month
            where last_day(b.month) < $1 and (c.version is null or c.version < b.version)
            order by b.month
            """,
            [today],
        ).fetchall()
        return dict(rows)

    def closed_months(self) -> list[date]:
        """The months that are closed, each by its first day."""
        return [month for (month,) in self.connection.execute("select month from build.closed_months order by all").fetchall()]

    def mark_closed(self, months: Sequence[date], version: int) -> None:
        """Notes the version that holds the final build of these months."""
        for month in months:
            self.connection.execute("delete from build.closed_months where month = ?", [month])
            self.connection.execute("insert into build.closed_months values (?, ?)", [month, version])


def _date(day: date | None) -> str:
    return f"date {text(day)}"


def _empty_changed() -> str:
    return "".join(f"delete from changed.{table.relation};" for table in contract().values())


def project_fingerprint() -> str:
    """Changes with anything a date's figures are computed with, apart from the rule parameters, which are dated themselves."""
    folders = (PROJECT / folder for folder in ("models", "macros", "seeds"))
    files = (path for folder in folders for path in folder.rglob("*") if path.suffix in {".sql", ".csv"})
    return fingerprint([PROJECT / "vars.yml", *sorted(path for path in files if path != PARAMETERS)])


def fingerprint(paths: list[Path]) -> str:
    """Changes with the content of any of these files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
